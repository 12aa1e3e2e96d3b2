import { expect, it } from "vitest";
import { MESSAGE, PONG } from "./frame.ts";
import { LinkOutput } from "./link-output.ts";

/** An output whose transport accepts frames while `accepts` is true. */
function recordedOutput() {
  const scheduled: (() => void)[] = [];
  const transport = { accepts: true, writes: [] as number[] };
  const output = new LinkOutput({
    side: "listener",
    write(parts) {
      transport.writes.push(parts.reduce((bytes, { length }) => bytes + length, 0));
      return transport.accepts;
    },
    schedule: (flush) => scheduled.push(flush),
  });
  const runLoop = (): void => {
    for (const flush of scheduled.splice(0)) flush();
  };
  return { output, transport, scheduled, runLoop };
}

it("the frames of one event loop iteration are one write", () => {
  const { output, transport, scheduled, runLoop } = recordedOutput();
  for (let id = 0; id < 10; id++) output.message(id, 0, new Uint8Array(8), 0);
  expect(scheduled).toHaveLength(1);
  runLoop();
  expect(transport.writes).toEqual([10 * (12 + 8)]);
});

it("a saturated output stays saturated until the transport has drained", () => {
  const { output, transport, runLoop } = recordedOutput();
  transport.accepts = false;
  output.message(1, 0, new Uint8Array(8), 0);
  runLoop();
  expect(output.isSaturated).toBe(true);
  output.drained();
  expect(output.isSaturated).toBe(false);
});

it("frames other than messages count as unread while the output is saturated (L4)", () => {
  const { output, transport, runLoop } = recordedOutput();
  transport.accepts = false;
  output.message(1, 0, new Uint8Array(8), 0);
  runLoop();
  for (let i = 0; i < 70; i++) output.push(MESSAGE, 0, 1, new Uint8Array(64 * 1024));
  expect(() => output.checkUnread()).not.toThrow();
  for (let i = 0; i < 70; i++) output.push(PONG, 0, 1, new Uint8Array(64 * 1024));
  expect(() => output.checkUnread()).toThrow("Cannot answer: the peer writes, and does not read.");
  output.drained();
  expect(() => output.checkUnread()).not.toThrow();
});

it("a closed output writes nothing", () => {
  const { output, transport, runLoop } = recordedOutput();
  output.message(1, 0, new Uint8Array(8), 0);
  output.close();
  output.message(1, 0, new Uint8Array(8), 0);
  runLoop();
  expect(transport.writes).toEqual([]);
});

it("queued chunks wait while the transport is full, and are sent when it has drained", () => {
  const { output, transport, runLoop } = recordedOutput();
  transport.accepts = false;
  output.message(1, 0, new Uint8Array(8), 0);
  runLoop();
  const sent: string[] = [];
  output.queue({
    pump: () => sent.push("chunk") < 3,
    drained: () => sent.push("drained"),
  });
  runLoop();
  expect(sent).toEqual([]);
  output.drained();
  expect(sent).toEqual(["chunk", "chunk", "chunk", "drained"]);
});

it("queued calls send one chunk each in turn (L1)", () => {
  const { output, runLoop } = recordedOutput();
  const sent: string[] = [];
  for (const name of ["a", "b"]) {
    let left = 3;
    output.queue({
      pump() {
        sent.push(name);
        return --left > 0;
      },
      drained() {},
    });
  }
  runLoop();
  expect(sent.join("")).toBe("ababab");
});

it("short last messages need not wait for a transport that is full, up to a limit", () => {
  const { output, transport, runLoop } = recordedOutput();
  transport.accepts = false;
  output.message(1, 0, new Uint8Array(8), 0);
  runLoop();
  expect([output.takeExpress(4_096), output.takeExpress(4_097)]).toEqual([true, false]);
  let taken = 1;
  while (output.takeExpress(4_096)) taken++;
  expect(taken).toBe(64);
  output.drained();
  expect(output.takeExpress(4_096)).toBe(true);
});
