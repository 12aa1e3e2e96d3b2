import { type Certificate, nameFor } from "../gateway/tls/certificate.ts";
import type { OpenedLauncher } from "../launcher/open-launcher.ts";

/** The fields of the event `host started` that say how instances are isolated. */
export function isolationFields({
  isolation,
  isolationReason,
  sharedUserReason,
}: Omit<OpenedLauncher, "launcher" | "openServiceData" | "close">): object {
  const users =
    sharedUserReason === undefined ? { users: "own" } : { users: "shared", sharedUserReason };
  return {
    isolation,
    ...(isolationReason && { isolationReason }),
    ...(isolation === "process" && users),
  };
}

/** The access of callers while no token exists, in one line. */
export const WITHOUT_TOKEN =
  "No token exists: every program on this machine may do everything. Other callers, also those behind a proxy, may only call open environments.";

/** The command that creates the first token. It works on this machine only. */
export function firstTokenCommand(
  { bind, port }: { bind: string; port: number },
  certificate: Certificate | undefined,
): string {
  const address = bind === "0.0.0.0" || bind === "::" ? "127.0.0.1" : bind;
  const name = certificate === undefined ? address : nameFor(address, certificate);
  const authority = `${name.includes(":") ? `[${name}]` : name}:${port}`;
  const host = certificate === undefined ? authority : `https://${authority}`;
  return `lever -H ${host} token create --in '*' --rights admin`;
}
