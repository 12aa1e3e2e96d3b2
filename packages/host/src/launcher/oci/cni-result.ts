/** A container's link to the host: a pair of virtual interfaces. */
export interface NetworkLink {
  /** The container's address. */
  readonly address: string;
  /** Name of the interface at the host's end. */
  readonly device: string;
}

/**
 * Reads the result of a CNI plugin's ADD (CNI specification 0.4.0, Result). An interface without `sandbox` is the host's.
 * @throws Error when it has no address or no interface of the host.
 */
export function parseCniResult(text: string): NetworkLink {
  const result: unknown = JSON.parse(text);
  const address = elements(result, "ips").map((ip) => textOf(ip, "address")?.split("/")[0])[0];
  const hostInterface = elements(result, "interfaces").find((entry) => !textOf(entry, "sandbox"));
  const device = textOf(hostInterface, "name");
  if (address === undefined || device === undefined) {
    throw new Error("The network plugin returned no address or no interface.");
  }
  return { address, device };
}

function elements(from: unknown, name: string): readonly unknown[] {
  const value = property(from, name);
  return Array.isArray(value) ? value : [];
}

function textOf(from: unknown, name: string): string | undefined {
  const value = property(from, name);
  return typeof value === "string" ? value : undefined;
}

function property(from: unknown, name: string): unknown {
  if (typeof from !== "object" || from === null) return undefined;
  return Object.entries(from).find(([key]) => key === name)?.[1];
}
