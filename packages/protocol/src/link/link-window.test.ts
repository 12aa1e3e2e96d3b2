import { expect, it } from "vitest";
import { Joined, type Served } from "../../../../tests/harness/joined-links.ts";
import { type CallHandle, PAYLOAD_BYTES, PAYLOAD_LINES } from "../call.ts";

const MESSAGE = new Uint8Array(16 * 1024);

/** Bytes that a side can send before it has to wait. */
function sendAhead(side: CallHandle): number {
  let bytes = MESSAGE.length;
  while (side.send(PAYLOAD_BYTES, MESSAGE)) bytes += MESSAGE.length;
  return bytes;
}

it("a consumer that keeps up may be sent 1 MiB ahead, and less again after a pause", () => {
  const joined = new Joined();
  const { side } = joined.open({}, true);
  joined.run();
  const { side: consumer } = joined.served[0] as Served;
  for (let i = 0; i < 100; i++) {
    side.send(PAYLOAD_BYTES, MESSAGE);
    joined.run();
  }
  consumer.pause();
  expect(sendAhead(side)).toBeGreaterThan(900_000);
  joined.run();
  consumer.resume();
  joined.run();
  consumer.pause();
  expect(sendAhead(side)).toBeLessThan(400_000);
});

it("lines of a caller arrive together", () => {
  const joined = new Joined();
  const lines: string[] = [];
  joined.onServed = ({ events }) =>
    Object.assign(events, {
      onLines: (bytes: Uint8Array) => lines.push(Buffer.from(bytes).toString()),
    });
  const { side } = joined.open({}, true);
  side.send(PAYLOAD_LINES, Buffer.from("1\n2\n"));
  side.send(PAYLOAD_LINES, Buffer.from("3\n"), true);
  joined.run();
  expect(lines).toEqual(["1\n2\n", "3\n"]);
  expect(joined.served[0]?.events.received).toEqual(["end"]);
});
