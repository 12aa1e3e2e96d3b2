import fs from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, describe, expect, it } from "vitest";
import {
  Joined,
  type JoinedOptions,
  json,
  pattern,
  RecordedEvents,
  type Served,
  sameBytes,
} from "../../../../tests/harness/joined-links.ts";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { type CallHandle, OUTSIDE, PAYLOAD_BYTES } from "../call.ts";
import { Link } from "./link.ts";
import { type MemoryFile, memoryFile } from "./shared-memory.ts";

const folder = fs.mkdtempSync(join(tmpdir(), "lever-test-"));
const fds: number[] = [];
afterEach(() => {
  for (const fd of fds.splice(0)) fs.closeSync(fd);
});
afterAll(() => fs.rmdirSync(folder));

function openFile(): { file: MemoryFile; fd: number } {
  const path = join(folder, "file");
  const fd = fs.openSync(path, "wx+");
  fs.unlinkSync(path);
  fds.push(fd);
  return { file: memoryFile(fd, fs), fd };
}

const openFiles = (): Required<JoinedOptions>["files"] => ({
  toInstance: openFile().file,
  toHost: openFile().file,
});

/** A file on a system without free memory. */
const fullFile: MemoryFile = {
  read: () => 0,
  write: () => {
    throw new Error("ENOSPC");
  },
  clear() {},
};

/** Opens calls of all sizes at once, whose replies are their bodies. Returns the number of correct replies. */
function callMany(joined: Joined, count: number, random: () => number): number {
  joined.onServed = ({ side, request }) => side.send(PAYLOAD_BYTES, request.body.slice(), true);
  const calls = Array.from({ length: count }, (_, index) => {
    const body = pattern(Math.floor(random() ** 3 * 3_000_000), index);
    return { body, ...joined.open({ kind: PAYLOAD_BYTES, body, method: "m".repeat(index * 100) }) };
  });
  joined.run();
  return calls.filter(({ events, body }) => sameBytes(events.messages[0], body)).length;
}

describe("a link with shared memory", () => {
  it.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10])(
    "large arguments and replies go through shared memory, in the timing of seed %i",
    (seed) => {
      const joined = new Joined(seed, { files: openFiles() });
      const random = seededRandom(seed * 7_919);
      expect(callMany(joined, 30, random)).toBe(30);
      // More calls than there are slots: slots are reused.
      expect(callMany(joined, 30, random)).toBe(30);
      expect([joined.host.callsOpen, joined.instance.callsOpen]).toEqual([0, 0]);
      expect(joined.sharedBytes).toBeGreaterThan(30_000_000);
    },
  );

  it("large and small messages of a stream stay in order", () => {
    for (let seed = 1; seed <= 20; seed++) {
      const joined = new Joined(seed, { files: openFiles() });
      const random = seededRandom(seed * 104_729);
      const calls = Array.from({ length: 4 }, () => joined.open({}, true));
      joined.run();
      const ways = calls.flatMap(
        ({ side, events }, index): [CallHandle, RecordedEvents, Uint8Array[]][] => {
          const served = joined.served[index] as Served;
          return [
            [side, served.events, []],
            [served.side, events, []],
          ];
        },
      );
      for (let step = 0; step < 100; step++) {
        const [from, , sent] = ways[Math.floor(random() * ways.length)] ?? [];
        const message = pattern(Math.floor(random() ** 4 * 400_000), step);
        sent?.push(message);
        from?.send(PAYLOAD_BYTES, message);
        if (random() < 0.2) joined.run();
      }
      joined.run();
      for (const [, to, sent] of ways) {
        expect(to.messages.length, `seed ${seed}`).toBe(sent.length);
        const same = to.messages.filter((message, at) => sameBytes(message, sent[at] ?? message));
        expect(same.length, `seed ${seed}`).toBe(sent.length);
      }
    }
  });

  it("a link works without shared memory when the system has none left", () => {
    const joined = new Joined(1, { files: { toInstance: fullFile, toHost: fullFile } });
    expect(callMany(joined, 20, seededRandom(3))).toBe(20);
    expect(joined.sharedBytes).toBe(0);
  });

  it("a body is released once all of it is copied, and not before (L5)", () => {
    const joined = new Joined(1, { files: openFiles() });
    const bodies: { original: Uint8Array; memory: Uint8Array; releases: number }[] = [];
    // More bodies than there are slots.
    for (let index = 0; index < 40; index++) {
      const original = pattern(900_000, index);
      const body = { original, memory: original.slice(), releases: 0 };
      bodies.push(body);
      joined.open({
        kind: PAYLOAD_BYTES,
        body: body.memory,
        release: () => {
          body.releases++;
          body.memory.fill(0xee);
        },
      });
    }
    joined.run();
    const arrived = joined.served.map(({ request }) => request.body);
    const right = bodies.filter((body, index) => sameBytes(arrived[index], body.original));
    expect(right).toHaveLength(40);
    const released = bodies.filter(({ releases }) => releases === 1).length;
    expect(released).toBeGreaterThan(20);
    expect(bodies.every(({ releases }) => releases <= 1)).toBe(true);
  });

  it("a body that is written without a copy is not released", () => {
    const joined = new Joined();
    const released: number[] = [];
    for (const bytes of [100, 10_000, 1_000_000]) {
      const body = pattern(bytes, 1);
      joined.open({ kind: PAYLOAD_BYTES, body, release: () => released.push(bytes) });
    }
    joined.run();
    expect(released).toEqual([100]);
  });

  it("unused shared memory is released once it has been read", () => {
    const { file, fd } = openFile();
    const joined = new Joined(1, { files: { toInstance: file, toHost: openFile().file } });
    const size = (): number => fs.fstatSync(fd).size;
    const { host } = joined;
    joined.open({ kind: PAYLOAD_BYTES, body: pattern(1_000_000, 1) });
    host.flush();
    expect([host.clearUnused(), host.clearUnused(), host.clearUnused()]).toEqual([
      false,
      false,
      false,
    ]);
    expect(size()).toBeGreaterThan(0);
    joined.run();
    expect([host.clearUnused(), size() > 0]).toEqual([false, true]);
    expect([host.clearUnused(), size()]).toEqual([true, 0]);
    expect(callMany(joined, 20, seededRandom(5))).toBe(20);
  });

  it("a closed file is not used", () => {
    const { fd } = openFile();
    let isClosed = false;
    const file = memoryFile(fd, fs, () => isClosed);
    expect(file.write(json("a"), 0)).toBe(3);
    isClosed = true;
    expect([file.write(json("b"), 0), file.read(new Uint8Array(3), 0)]).toEqual([0, 0]);
    file.clear();
    expect(fs.fstatSync(fd).size).toBe(3);
  });
});

describe("a hostile peer with shared memory", () => {
  const SLOTS_READ = 8;
  const MESSAGE = 2;
  const LAST = 4;

  function header(type: number, flags: number, id: number, of: { slot?: number; length?: number }) {
    const bytes = new Uint8Array(12);
    const view = new DataView(bytes.buffer);
    view.setUint32(0, of.length ?? 0, true);
    view.setUint8(3, of.slot ?? 0);
    view.setUint8(4, type);
    view.setUint8(5, flags);
    view.setUint32(8, id, true);
    return bytes;
  }

  /** A host's end with a call open, whose peer has so many bytes in its file. */
  function withCall(fileBytes: number) {
    const { file, fd } = openFile();
    fs.writeSync(fd, new Uint8Array(fileBytes).fill(0x31));
    const joined = new Joined(1, { files: { toInstance: openFile().file, toHost: file } });
    const { events } = joined.open();
    joined.run();
    return { host: joined.host, events };
  }

  it("a message in a slot arrives", () => {
    const { host, events } = withCall(200_000);
    host.receive(header(MESSAGE, LAST, 4, { slot: 1, length: 20_000 }));
    expect(events.received).toEqual(["1".repeat(20_000), "end"]);
  });

  it.each([
    [
      "a slot without the announced bytes",
      header(MESSAGE, LAST, 4, { slot: 2, length: 20_000 }),
      70_000,
    ],
    ["a slot that does not exist", header(MESSAGE, LAST, 4, { slot: 255, length: 9 }), 70_000],
    ["more bytes than a slot has", header(MESSAGE, LAST, 4, { slot: 1, length: 70_000 }), 1e6],
    ["more bytes than a frame may have", header(2, LAST, 4, { slot: 1, length: 0xffffff }), 1e6],
    ["a read slot that was not sent", header(SLOTS_READ, 0, 1, {}), 0],
    ["more read slots than there are", header(SLOTS_READ, 0, 0xffff_ffff, {}), 0],
  ])("%s is a protocol error", (_what, bytes, fileBytes) => {
    const { host } = withCall(fileBytes);
    expect(() => host.receive(bytes)).toThrow(/^Cannot (read|free)/);
  });

  it("a peer cannot send one slot again and again", () => {
    const { host } = withCall(200_000);
    const many = Array.from({ length: 300 }, () => header(MESSAGE, 0, 99, { slot: 1, length: 9 }));
    expect(() => host.receive(Buffer.concat(many.slice(0, 255)))).not.toThrow();
    expect(() => host.receive(Buffer.concat(many))).toThrow(
      "the peer used more slots than there are",
    );
  });

  it("a slot without shared memory is a protocol error", () => {
    const joined = new Joined();
    joined.open();
    joined.run();
    const bytes = header(MESSAGE, LAST, 4, { slot: 1, length: 10 });
    expect(() => joined.host.receive(bytes)).toThrow("no memory is shared");
  });

  it("a peer that reads no slots delays large messages only", () => {
    const scheduled: (() => void)[] = [];
    const written: string[] = [];
    const link = new Link({
      side: "listener",
      messageBytesMax: 1_000_000,
      callsMax: 10,
      shared: { outgoing: openFile().file, incoming: openFile().file },
      write(parts) {
        for (const part of parts) written.push(Buffer.from(part).toString("latin1"));
        return true;
      },
      schedule: (flush) => scheduled.push(flush),
      onCall: () => new RecordedEvents(),
      onControl() {},
    });
    const open = (method: string, bytes: number): void => {
      const target = { environment: "", service: "", resource: "", method };
      const call = { caller: OUTSIDE, target, isStream: false, timeoutMs: 0 };
      link.open(
        { ...call, body: pattern(bytes, 1), kind: PAYLOAD_BYTES },
        new RecordedEvents(),
        false,
      );
      for (const flush of scheduled.splice(0)) flush();
    };
    for (let index = 0; index < 40; index++) open("large", 900_000);
    const bytes = written.join("").length;
    expect(bytes).toBeLessThan(2_500_000);
    open("small", 100);
    expect(written.join("").slice(bytes)).toContain("small");
    link.receive(header(SLOTS_READ, 0, 100, {}));
    for (const flush of scheduled.splice(0)) flush();
    expect(written.join("").length).toBeGreaterThanOrEqual(bytes + 80 * 12);
  });
});
