import type { AdminMethods, InstanceStatus, InstancesReport } from "@leveros/protocol";
import { Client, type RemoteService } from "leveros";

interface HostAddress {
  readonly address: string;
}

/** The admin service of a host, as a caller with this token sees it. */
export const adminOf = ({ address }: HostAddress, token?: string): RemoteService<AdminMethods> =>
  new Client({ forceHost: address, token }).service<AdminMethods>("admin.lever", "admin");

/** The instances of `dev.lever`, as `lever ps` shows them. */
export async function listInstances(host: HostAddress, service?: string): Promise<InstancesReport> {
  return await adminOf(host).invoke("listInstances", "dev.lever", service ?? null);
}

export async function instancesOf(
  host: HostAddress,
  service: string,
): Promise<readonly InstanceStatus[]> {
  return (await listInstances(host, service)).instances;
}
