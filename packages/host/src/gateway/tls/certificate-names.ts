import { X509Certificate } from "node:crypto";

/** The host names in a certificate (RFC 6125), in lower case; `*.` at the beginning of one stands for one label. */
export function namesOf(cert: Buffer): {
  readonly names: readonly string[];
  readonly validTo: number;
} {
  const { subjectAltName = "", validToDate } = new X509Certificate(cert);
  const names = [...subjectAltName.matchAll(/DNS:([^,\s"]+)/g)].map(([, name = ""]) =>
    name.toLowerCase(),
  );
  return { names, validTo: validToDate.getTime() };
}

/** Finds the entry for a host name: the one with this name, or with a name that has `*` for its first label. */
export function byName<Value>(
  entries: ReadonlyMap<string, Value>,
  host: string,
): Value | undefined {
  const name = host.toLowerCase();
  const dot = name.indexOf(".");
  return entries.get(name) ?? (dot < 1 ? undefined : entries.get(`*${name.slice(dot)}`));
}
