/** It exists from the start. The command, and calls to a loopback name, mean it when they name none. */
export const DEFAULT_ENVIRONMENT = "dev.lever";

const LOOPBACK_ADDRESS = /^127(?:\.(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)){3}$/;

/** Whether a host name, without a port, always leads to the machine of the one who uses it. */
export function isLoopbackName(name: string): boolean {
  return (
    name === "localhost" ||
    name === "[::1]" ||
    (name.startsWith("127.") && LOOPBACK_ADDRESS.test(name))
  );
}

/** The environment that a host name stands for: the one of this name, or on a loopback name the default. */
export function environmentOf(hostName: string): string {
  return isLoopbackName(hostName) ? DEFAULT_ENVIRONMENT : hostName;
}
