import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { withinUploadTime } from "./upload-time.ts";

const limits = { uploadSilenceTimeoutMs: 30, uploadTimeoutMs: 100 };

/** Reads an upload whose messages come at these times. It has no end if the last one is undefined. */
async function upload(
  messages: readonly (readonly [at: number, message: unknown])[],
): Promise<unknown[]> {
  const clock = new VirtualClock();
  const sent = async function* (): AsyncGenerator<unknown> {
    for (const [at, message] of messages) {
      await new Promise<void>((resolve) => clock.setTimeout(resolve, at - clock.now()));
      yield message;
    }
  };
  const received: unknown[] = [];
  let isOver = false;
  const reading = (async () => {
    for await (const message of withinUploadTime(sent(), { limits, clock })) received.push(message);
    return received;
  })().finally(() => {
    isOver = true;
  });
  reading.catch(() => {});
  while (!isOver) {
    for (let i = 0; i < 10; i++) await undefined;
    clock.advance(1);
  }
  return await reading;
}

const bytes = Buffer.from("x");
const every = (ms: number, count: number, message: unknown): [number, unknown][] =>
  Array.from({ length: count }, (_, i) => [(i + 1) * ms, message]);

it("messages of an upload in time are passed on", async () => {
  expect(await upload([])).toEqual([]);
  expect(await upload(every(20, 4, bytes))).toEqual([bytes, bytes, bytes, bytes]);
  expect(await upload([[1, "text"]])).toEqual(["text"]);
});

it.each([
  ["sends nothing", [[1_000, bytes]], "nothing has come for 30 ms"],
  ["stops in the middle", [...every(20, 2, bytes), [1_000, bytes]], "nothing has come for 30 ms"],
  ["sends messages without bytes", every(5, 50, Buffer.alloc(0)), "nothing has come for 30 ms"],
  ["sends a byte at a time", every(20, 50, bytes), "it has taken longer than 100 ms"],
] as const)("an upload that %s is ended", async (_, messages, reason) => {
  await expect(upload(messages)).rejects.toMatchObject({
    code: "request_timeout",
    message: expect.stringContaining(`Cannot receive the archive: ${reason}`),
  });
});
