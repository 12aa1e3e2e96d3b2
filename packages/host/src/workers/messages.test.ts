import { expect, it } from "vitest";
import { sendToWorker, type WorkerCommand } from "./messages.ts";

/** The control frames that a message becomes. */
function framesOf(message: WorkerCommand): WorkerCommand[] {
  const frames: WorkerCommand[] = [];
  sendToWorker({ control: (frame) => frames.push(frame as WorkerCommand) }, message);
  return frames;
}

it("a message that fits a frame is one", () => {
  expect(framesOf({ type: "listen", port: 1 })).toEqual([{ type: "listen", port: 1 }]);
});

it("a longer one is cut into pieces that fit, and whole when they are put together", () => {
  // The longest characters of JSON within JSON, and half of a character at a cut.
  const corsOrigins = ["\u0001".repeat(30_000), "\u{1F600}".repeat(20_001)];
  const access = { corsOrigins, kind: "services" as const, isPublic: false };
  const message: WorkerCommand = { type: "environment", name: "x", access };
  let text = "";
  const frames = framesOf(message);
  for (const [index, frame] of frames.entries()) {
    expect(Buffer.byteLength(JSON.stringify(frame))).toBeLessThan(128 * 1024);
    if (frame.type !== "chunk") throw new Error(`Not a chunk: ${frame.type}`);
    text += frame.text;
    expect(frame.isLast).toBe(index === frames.length - 1);
  }
  expect(JSON.parse(text)).toEqual(message);
});
