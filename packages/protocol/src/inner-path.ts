/** A relative path that leads to something below its start. */
export function isInnerPath(value: unknown): boolean {
  if (typeof value !== "string" || /^\/|[\0\\]/.test(value)) return false;
  const segments = value.split("/").filter((segment) => segment !== "" && segment !== ".");
  return segments.length > 0 && !segments.includes("..");
}
