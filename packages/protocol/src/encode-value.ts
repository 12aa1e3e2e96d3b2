import { PAYLOAD_BYTES, PAYLOAD_JSON } from "./call.ts";
import { jsonText } from "./json-text.ts";
import { encodeText, type Payload } from "./values.ts";

/**
 * Encodes a value as JSON in UTF-8, by the rules of `jsonText`.
 * @throws TypeError for a value that JSON would lose a part of.
 */
export function encodeJson(value: unknown, root = "value"): Uint8Array {
  return encodeText(jsonText(value, root));
}

/**
 * Encodes one value: bytes stay bytes, any other value becomes JSON.
 * @param root the name of the value in errors, as "result".
 * @throws TypeError as `encodeJson`.
 */
export function valuePayload(value: unknown, root = "value"): Payload {
  return value instanceof Uint8Array
    ? { kind: PAYLOAD_BYTES, bytes: value }
    : { kind: PAYLOAD_JSON, bytes: encodeJson(value, root) };
}

/**
 * Encodes the arguments of a call: exactly one bytes argument stays bytes, any other list becomes a JSON array.
 * @throws TypeError as `encodeJson`.
 */
export function argumentsPayload(args: readonly unknown[]): Payload {
  const [only] = args;
  return args.length === 1 && only instanceof Uint8Array
    ? { kind: PAYLOAD_BYTES, bytes: only }
    : { kind: PAYLOAD_JSON, bytes: encodeJson(args, "arguments") };
}
