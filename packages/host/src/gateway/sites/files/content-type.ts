import { lookup } from "mrmime";

const BYTES = "application/octet-stream";

/** The media type of a file, by the end of its name. */
export function contentType(name: string): string {
  const file = name.slice(name.lastIndexOf("/") + 1);
  // The library takes a name without a dot for the end itself, and looks it up in an object that has a prototype.
  const type: unknown = file.includes(".") ? lookup(file) : undefined;
  if (typeof type !== "string") return BYTES;
  // XML declares its own encoding.
  return type.startsWith("text/") && type !== "text/xml" ? `${type}; charset=utf-8` : type;
}
