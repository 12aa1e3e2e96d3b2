/**
 * Gives up being root for good, before anything of a service is touched: one thread after the other, as libc has it,
 * so that none is left behind.
 * @throws Error when this process is not wholly that user afterwards, or could go back; nothing may go on then.
 */
export function dropPrivileges(
  user: { readonly uid: number; readonly gid: number } | undefined,
  { isNeeded }: { isNeeded: boolean },
): void {
  if (user === undefined) {
    if (isNeeded) throw new Error("Cannot become the service's user: none was named.");
    return;
  }
  const { uid, gid } = user;
  const { setgroups, setgid, setuid, getuid, geteuid, getgid, getegid, getgroups } = process;
  setgroups?.([]);
  setgid?.(gid);
  setuid?.(uid);
  const users = [getuid?.(), geteuid?.()];
  const groups = [getgid?.(), getegid?.(), ...(getgroups?.() ?? [undefined])];
  const isWhole = users.every((is) => is === uid) && groups.every((is) => is === gid);
  if (uid === 0 || !isWhole || canReturn()) {
    throw new Error(`Cannot become the service's user: this process is not ${uid} for good.`);
  }
}

function canReturn(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}
