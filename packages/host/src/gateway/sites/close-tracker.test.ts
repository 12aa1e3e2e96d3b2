import { expect, it } from "vitest";
import { CloseTracker, closeFrame } from "./close-tracker.ts";

const text = (bytes: number): Buffer => {
  const content = Buffer.alloc(bytes, "a");
  if (bytes < 126) return Buffer.concat([Buffer.from([0x81, bytes]), content]);
  const isShort = bytes < 65_536;
  const header = Buffer.alloc(isShort ? 4 : 10);
  header[0] = 0x81;
  header[1] = isShort ? 126 : 127;
  if (isShort) header.writeUInt16BE(bytes, 2);
  else header.writeBigUInt64BE(BigInt(bytes), 2);
  return Buffer.concat([header, content]);
};

it.each<[string, Buffer[], boolean, boolean]>([
  ["nothing", [], true, false],
  ["an empty message", [text(0)], true, false],
  ["messages of each form of length", [text(5), text(200), text(70_000), text(0)], true, false],
  ["a part of a header", [text(5), Buffer.from([0x81])], false, false],
  ["a part of a longer header", [Buffer.from([0x81, 126, 1])], false, false],
  ["a part of a message", [text(200).subarray(0, -1)], false, false],
  ["a close frame", [text(5), closeFrame(1001)], true, true],
  ["the header of a close frame", [closeFrame(1001).subarray(0, 2)], false, true],
  ["a masked message", [Buffer.from([0x81, 0x81, 1, 2, 3, 4, 5])], true, false],
])("after %s, it is known whether a frame can follow", (_what, frames, isBetween, isClosed) => {
  for (const step of [1, 7, 1_000_000]) {
    const tracker = new CloseTracker();
    const bytes = Buffer.concat(frames);
    for (let at = 0; at < bytes.length; at += step) tracker.pass(bytes.subarray(at, at + step));
    expect(tracker).toMatchObject({ isBetweenFrames: isBetween, isClosed });
  }
});
