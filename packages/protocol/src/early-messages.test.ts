import { expect, it } from "vitest";
import { closedSide, PAYLOAD_BYTES, PAYLOAD_JSON } from "./call.ts";
import { EarlyMessages } from "./early-messages.ts";

it("early messages are sent in order, with the result of the last send", () => {
  const early = new EarlyMessages();
  early.push(PAYLOAD_JSON, new Uint8Array([1]));
  early.push(PAYLOAD_BYTES, new Uint8Array([2]));
  const sent: number[][] = [];
  const call = (results: readonly boolean[]) => ({
    ...closedSide,
    send: (kind: number, bytes: Uint8Array) => {
      sent.push([kind, ...bytes]);
      return results[sent.length - 1] ?? true;
    },
  });
  expect(early.sendTo(call([false, true]))).toBe(true);
  expect(sent.splice(0)).toEqual([
    [PAYLOAD_JSON, 1],
    [PAYLOAD_BYTES, 2],
  ]);
  expect(early.sendTo(call([true, false]))).toBe(false);
});

it("without early messages the call is writable", () => {
  expect(new EarlyMessages().sendTo(closedSide)).toBe(true);
});
