import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  ignoredEvents,
  LeverError,
  Link,
  type MemoryFile,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  type SharedMemory,
} from "@leveros/protocol";
import { HEADER_BYTES, writeHeader } from "@leveros/protocol/wire";

/*
 * The bytes of one side of a link, as the parts of an input: first a byte that names the receiving side, even for the host;
 * then one part for each frame without its length. A frame whose payload is in shared memory is marked and followed by its
 * first word.
 */
const TO_HOST = Buffer.of(0);
const TO_INSTANCE = Buffer.of(1);
const IN_MEMORY = 0x80;

export function encodeLink(parts: readonly Buffer[]): Buffer {
  const [side = TO_HOST, ...frames] = parts;
  return Buffer.concat([side, encodeFrames(frames)]);
}

export function encodeFrames(frames: readonly Buffer[]): Buffer {
  return Buffer.concat(
    frames.flatMap((frame) => {
      const [type = 0] = frame;
      if (type & IN_MEMORY && frame.length >= HEADER_BYTES) {
        const rest = Buffer.from(frame.subarray(0, HEADER_BYTES - 4));
        rest[0] = type & ~IN_MEMORY;
        return [frame.subarray(HEADER_BYTES - 4, HEADER_BYTES), rest];
      }
      // After the length come type, flags and number.
      const length = Buffer.alloc(4);
      length.writeUInt32LE(Math.max(0, frame.length - (HEADER_BYTES - 4)));
      return [length, frame];
    }),
  );
}

/** A file in memory that both sides have, which at times has no room, or has lost what is looked for. */
export class RecordedMemory implements MemoryFile {
  readonly #bytes = Buffer.alloc(17 * 1024 * 1024);
  has: () => boolean = () => true;

  read(target: Uint8Array, position: number): number {
    if (!this.has() || position >= this.#bytes.length) return 0;
    return this.#bytes.copy(target, 0, position);
  }

  write(bytes: Uint8Array, position: number): number {
    if (!this.has()) return 0;
    this.#bytes.set(bytes, position);
    return bytes.length;
  }

  clear(): void {}
}

/** With what the conversations left there last. */
export const recordedMemory = { host: new RecordedMemory(), instance: new RecordedMemory() };

function memoryOf(side: "dialler" | "listener"): SharedMemory {
  const { host, instance } = recordedMemory;
  return side === "listener"
    ? { outgoing: host, incoming: instance }
    : { outgoing: instance, incoming: host };
}

/** Records the bytes between two links in some conversations. */
export function recordLink(): Buffer[][] {
  const talk = (
    work: (host: Link, instance: Link, run: () => void) => void,
    isShared = false,
  ): Buffer[][] => {
    const written = { listener: [] as Buffer[], dialler: [] as Buffer[] };
    const tasks: (() => void)[] = [];
    const make = (side: "dialler" | "listener", other: () => Link): Link =>
      new Link({
        side,
        messageBytesMax: 1_000_000,
        callsMax: 100,
        write(parts) {
          for (const part of parts) {
            written[side].push(Buffer.from(part));
            tasks.push(() => other().receive(Buffer.from(part)));
          }
          return true;
        },
        schedule: (flush) => tasks.push(flush),
        onCall: echo,
        onControl() {},
        shared: isShared ? memoryOf(side) : undefined,
      });
    const host: Link = make("listener", () => instance);
    const instance: Link = make("dialler", () => host);
    const run = (): void => {
      for (let task = tasks.shift(); task !== undefined; task = tasks.shift()) task();
    };
    work(host, instance, run);
    run();
    return [
      [TO_INSTANCE, ...splitFrames(Buffer.concat(written.listener))],
      [TO_HOST, ...splitFrames(Buffer.concat(written.dialler))],
    ];
  };
  const largeMessages = (host: Link, instance: Link, run: () => void): void => {
    for (const from of [host, instance]) {
      // More than one chunk, as arguments and as a message.
      const large = { kind: PAYLOAD_BYTES, body: Buffer.alloc(66_000, 1) } as const;
      const side = from.open(
        { ...requestOf("echoChan"), isStream: true, ...large },
        ignoredEvents,
        true,
      );
      side.send(PAYLOAD_BYTES, Buffer.alloc(140_000, 2));
      run();
      side.abort(new LeverError("overloaded", "Enough.", { retryAfterSeconds: 1 }));
      const failing = from.open({ ...requestOf("echoChan"), isStream: true }, ignoredEvents, true);
      failing.fail(PAYLOAD_JSON, Buffer.from('"why"'));
      run();
    }
    instance.control({ type: "failed", reason: "It does not load." });
  };
  return [
    ...talk((host, instance, run) => {
      instance.control({ type: "started" });
      host.control({ type: "assign", assignment: { environment: "dev.lever", service: "fuzz" } });
      run();
      instance.control({ type: "ready", methods: ["echo", "echoChan"] });
      host.ping(() => {});
      host.open(requestOf("echo"), ignoredEvents, false);
      instance.open(requestOf("echo", "room/1"), ignoredEvents, false);
      run();
      instance.control({ type: "stopping" });
      host.control({ type: "stop" });
    }),
    ...talk((host, instance, run) => {
      for (const from of [host, instance]) {
        const side = from.open({ ...requestOf("echoChan"), isStream: true }, ignoredEvents, true);
        side.send(PAYLOAD_JSON, Buffer.from('{"a": 1}'));
        side.send(PAYLOAD_BYTES, Buffer.alloc(30_000, 7));
        run();
        for (let n = 0; n < 3; n++) side.send(PAYLOAD_BYTES, Buffer.alloc(300, n));
        run();
        side.end();
        run();
      }
    }),
    ...talk((host, instance, run) => {
      // One message to several streams, of which one has ended.
      for (const from of [host, instance]) {
        const sides = [1, 2, 3, 4].map(() =>
          from.open({ ...requestOf("echoChan"), isStream: true }, ignoredEvents, true),
        );
        run();
        sides[1]?.abort(new LeverError("cancelled", "Enough."));
        const messages = [Buffer.from('{"to": "all"}'), Buffer.alloc(20_000, "1")];
        for (const message of messages) {
          for (const side of sides) side.send(PAYLOAD_JSON, message);
          for (const side of sides) side.send(PAYLOAD_BYTES, message);
          run();
        }
        for (const side of sides) side.end();
        run();
      }
    }),
    ...talk(largeMessages),
    ...talk(largeMessages, true),
  ];
}

function requestOf(method: string, resource = ""): CallRequest {
  return {
    caller: { kind: "service", environment: "dev.lever", service: "caller" },
    target: { environment: "dev.lever", service: "fuzz", resource, method },
    isStream: false,
    timeoutMs: 1_000,
    kind: PAYLOAD_JSON,
    body: Buffer.from('["a", 1]'),
  };
}

function echo(of: CallRequest, side: CallHandle): CallListener {
  if (!of.isStream) {
    side.send(of.kind, of.body.subarray(0, 100), true);
    return ignoredEvents;
  }
  return {
    ...ignoredEvents,
    onMessage: (kind, bytes) => side.send(kind, bytes.subarray(0, 100)),
    onEnd: () => side.end(),
  };
}

function splitFrames(bytes: Buffer): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const isInMemory = bytes[at + 3] !== 0;
    const end = at + HEADER_BYTES + (isInMemory ? 0 : bytes.readUInt32LE(at));
    const frame = Buffer.from(bytes.subarray(at + 4, end));
    if (isInMemory) frame[0] = (frame[0] ?? 0) | IN_MEMORY;
    frames.push(isInMemory ? Buffer.concat([frame, bytes.subarray(at, at + 4)]) : frame);
    at = end;
  }
  return frames;
}

/** A frame without its length. */
function frame(type: number, flags: number, id: number, payload: string | Buffer): Buffer {
  const bytes = Buffer.concat([Buffer.alloc(HEADER_BYTES), Buffer.from(payload)]);
  writeHeader(new DataView(bytes.buffer, bytes.byteOffset), 0, 0, type, flags, 0, id);
  return bytes.subarray(4);
}

export const WORDS: readonly (string | Buffer)[] = [
  "null",
  "[]",
  "{",
  '"type":',
  '"ready"',
  '"methods":[1]',
  '"methods":[""]',
  '"assign"',
  '"code":"__proto__"',
  '"retryAfterSeconds":-1',
  "dev.lever",
  "admin.lever",
  "fuzz",
  "echoChan",
  "\xff",
  "\0",
  // Numbers of calls, types, flags.
  Buffer.from([1, 0, 0, 0]),
  Buffer.from([2, 0, 0, 0]),
  Buffer.from([4, 0, 0, 0]),
  ...[1, 2, 3, 4, 5, 6, 7, 8].map((type) => Buffer.of(type)),
  ...[1, 2, 4, 8, 16, 32, 36, 10, 18].map((flags) => Buffer.of(0, flags)),
  Buffer.from([0xff, 0xff, 0xff, 0xff]),
  frame(2, 2, 1, ""),
  frame(2, 2, 2, "x"),
  frame(2, 36, 1, ""),
  frame(4, 0, 2, Buffer.from([0, 0, 1, 0])),
  frame(5, 0, 0, '{"type":"ready","methods":[]}'),
  frame(8, 0, 1, ""),
  // 20,000 bytes in the first slot.
  frame(2 | IN_MEMORY, 4, 2, Buffer.from([0x20, 0x4e, 0, 1])),
  frame(1 | IN_MEMORY, 4, 1, Buffer.from([0x20, 0x4e, 0, 1])),
];
