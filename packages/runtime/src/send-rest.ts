import type { Link } from "@leveros/protocol";

/** Time between two looks whether the host has read everything. */
const POLL_MS = 10;

/** Sends what is left of answers, as fast as their callers read. Nothing ends it but this or the end of the link. */
export async function sendRest(link: Pick<Link, "flush" | "isEnding">): Promise<void> {
  while (link.isEnding) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  link.flush();
}
