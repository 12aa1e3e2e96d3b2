import { type Payload, plainPayload } from "@leveros/protocol";
import { loadAdapters } from "./thread/load-adapters.ts";

/** Encodes a value that a service sends, as `valuePayload`. What most services never need is loaded with the adapters. */
export function encodeOfService(value: unknown, root: string): Payload {
  return plainPayload(value) ?? loadAdapters().valuePayload(value, root);
}
