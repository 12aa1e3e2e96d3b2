import { once } from "node:events";
import { duplexPair } from "node:stream";
import { LeverError, noEvents } from "@leveros/protocol";
import { expect, it } from "vitest";
import { attachLink } from "./socket-link.ts";

const FRAME_BYTES = 12;
const PING = 6;
const PONG = 7;

it("keeps a bounded number of answers for an instance that does not read them, and loses none", async () => {
  const [near, far] = duplexPair();
  const link = attachLink(near, {
    side: "host",
    messageBytesMax: 1_000,
    callsMax: 1,
    onCall: () => noEvents,
    onControl() {},
    onClose: () => link.close(new LeverError("instance_failed", "It is gone.")),
  });
  const pings = Buffer.alloc(5_000 * FRAME_BYTES);
  for (let at = 4; at < pings.length; at += FRAME_BYTES) pings[at] = PING;
  const rounds = 200;
  for (let round = 0; round < rounds; round++) {
    far.write(pings);
    await new Promise(setImmediate);
  }
  expect(near.writableLength).toBeGreaterThan(1_000_000);
  expect(near.writableLength).toBeLessThan(5 * 1024 * 1024);
  let left = rounds * pings.length;
  while (left > 0) {
    const answer = (far.read() as Buffer | null) ?? Buffer.alloc(0);
    if (answer.length === 0) await once(far, "readable");
    left -= answer.length;
    if (answer.length >= FRAME_BYTES) expect(answer[4]).toBe(PONG);
  }
  expect(left).toBe(0);
  far.destroy();
  near.destroy();
});
