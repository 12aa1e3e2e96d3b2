import { PAYLOAD_BYTES, PAYLOAD_JSON } from "@leveros/protocol";
import { expect, it } from "vitest";
import { payloadKind } from "./payload-kind.ts";

it.each([
  ["application/json", PAYLOAD_JSON],
  ["application/json; charset=utf-8", PAYLOAD_JSON],
  [" Application/JSON ;x", PAYLOAD_JSON],
  ["application/jsonl", PAYLOAD_BYTES],
  ["\xa0application/json", PAYLOAD_BYTES],
  ["application/json\xa0", PAYLOAD_BYTES],
  ["application/x-ndjson", PAYLOAD_BYTES],
  ["text/plain", PAYLOAD_BYTES],
  ["", PAYLOAD_BYTES],
  [undefined, PAYLOAD_BYTES],
])("a body of the content type %j has the kind %i", (contentType, kind) => {
  expect(payloadKind(contentType)).toBe(kind);
});
