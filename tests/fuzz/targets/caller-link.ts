import { LINK_UPGRADE } from "@leveros/protocol";
import { HEADER_BYTES } from "@leveros/protocol/wire";
import { openHostSubject } from "../host-subject.ts";
import type { FuzzTarget } from "../target.ts";
import { encodeFrames, recordLink, WORDS } from "./link-frames.ts";

/** The link that programs outside get by an upgrade. */
export const callerLink: FuzzTarget = {
  name: "caller-link",
  open: () =>
    openHostSubject(() => ({
      corpus: {
        inputs: recordLink()
          .filter(([side]) => side?.[0] === 0)
          .map(([, ...frames]) => [...upgrade, ...frames.filter(isOfCaller)]),
        words: ["origin: null\r\n", "upgrade: websocket\r\n", "connection: close\r\n", ...WORDS],
        encode,
      },
      isAnswered: (answer) =>
        !answer.subarray(0, SWITCHING.length).equals(SWITCHING) || ends(answer),
      judge(_bytes, { answer }) {
        if (answer.length > 0 && !/^HTTP\/1\.1 \d{3} /.test(answer.toString("latin1", 0, 20))) {
          throw new Error(`it was answered with ${answer.toString("latin1", 0, 200)}`);
        }
      },
    })),
};

const SWITCHING = Buffer.from("HTTP/1.1 101 ");
const [MESSAGE, ABORT, CONTROL, FLAG_LAST] = [2, 3, 5, 4];

const upgrade = [
  "GET / HTTP/1.1",
  "host: dev.lever",
  "connection: upgrade",
  `upgrade: ${LINK_UPGRADE}`,
  "",
].map((line) => Buffer.from(`${line}\r\n`));

const isOfCaller = (frame: Buffer): boolean => frame[0] !== CONTROL;

/** The request's lines as they are; the parts that begin with a frame's type get their length. */
function encode(parts: readonly Buffer[]): Buffer {
  const first = parts.findIndex((part) => (part[0] ?? 0) < 0x0a);
  const at = first === -1 ? parts.length : first;
  return Buffer.concat([...parts.slice(0, at), encodeFrames(parts.slice(at))]);
}

/** True once a call has come to its end. */
function ends(answer: Buffer): boolean {
  const head = answer.indexOf("\r\n\r\n");
  let at = head + 4;
  while (head !== -1 && at + HEADER_BYTES <= answer.length) {
    const [type, flags = 0] = answer.subarray(at + 4);
    if (type === ABORT || (type === MESSAGE && (flags & FLAG_LAST) !== 0)) return true;
    at += HEADER_BYTES + answer.readUInt32LE(at);
  }
  return false;
}
