/**
 * Switches this process permanently from root to the service's user, before it opens any file of the service. libc changes
 * every thread.
 * @throws Error when any id of the process is another one afterwards, or when it could switch back. Then the process must
 * not continue.
 */
export function dropPrivileges(
  user: { readonly uid: number; readonly gid: number } | undefined,
  { isNeeded }: { isNeeded: boolean },
): void {
  if (user === undefined) {
    if (isNeeded)
      throw new Error("Cannot switch to the service's user: the assignment names none.");
    return;
  }
  const { uid, gid } = user;
  const { setgroups, setgid, setuid, getuid, geteuid, getgid, getegid, getgroups } = process;
  setgroups?.([]);
  setgid?.(gid);
  setuid?.(uid);
  const users = [getuid?.(), geteuid?.()];
  const groups = [getgid?.(), getegid?.(), ...(getgroups?.() ?? [undefined])];
  const hasSwitched = users.every((id) => id === uid) && groups.every((id) => id === gid);
  if (uid === 0 || !hasSwitched || canSwitchBack()) {
    throw new Error(`Cannot switch to the service's user: this process is not only user ${uid}.`);
  }
}

function canSwitchBack(): boolean {
  try {
    process.setuid?.(0);
    return true;
  } catch {
    return false;
  }
}
