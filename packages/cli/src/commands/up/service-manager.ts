import { execFile } from "node:child_process";

/** The service manager that started the host. */
export interface ServiceManager {
  /** The host takes calls. From now on it also sends the signs of life that the service manager waits for. */
  ready(): void;
  /** The host stops after the calls in flight. Resolves when the service manager has been told, or cannot be. */
  stopping(): Promise<void>;
}

interface ServiceManagerOptions {
  readonly variables: Readonly<Record<string, string | undefined>>;
  /** Called once if the service manager cannot be told. */
  readonly onProblem: (text: string) => void;
}

/** A sign of life is due in this time. The service manager advises to send two. */
const SIGNS_PER_WATCHDOG = 2;
const NOTIFY_TIMEOUT_MS = 5_000;

/**
 * Tells systemd what the host does (sd_notify(3)), if the unit has `Type=notify`. Node cannot send datagrams to a socket of the
 * file system, so systemd's own program does. Root's messages come from this process to systemd; those of another user need
 * `NotifyAccess=all` in the unit.
 */
export function serviceManager({ variables, onProblem }: ServiceManagerOptions): ServiceManager {
  if (!variables["NOTIFY_SOCKET"]) return { ready() {}, async stopping() {} };
  let hasFailed = false;
  const notify = (state: string): Promise<void> =>
    new Promise((resolve) => {
      execFile("systemd-notify", [state], { timeout: NOTIFY_TIMEOUT_MS }, (error) => {
        resolve();
        if (error === null || hasFailed) return;
        hasFailed = true;
        onProblem(`Cannot tell the service manager ${state}: ${error.message.trim()}`);
      });
    });
  const intervalMs = watchdogMs(variables, process.pid);
  return {
    ready() {
      void notify("READY=1");
      if (intervalMs === undefined) return;
      setInterval(() => void notify("WATCHDOG=1"), intervalMs / SIGNS_PER_WATCHDOG).unref();
    },
    stopping: () => notify("STOPPING=1"),
  };
}

/** How often systemd wants a sign of life from this process; undefined = never. */
export function watchdogMs(
  variables: ServiceManagerOptions["variables"],
  pid: number,
): number | undefined {
  const { WATCHDOG_USEC: microseconds = "", WATCHDOG_PID: of = String(pid) } = variables;
  const ms = Number(microseconds) / 1_000;
  return of === String(pid) && ms > 0 ? ms : undefined;
}
