import type { DeployReport } from "@leveros/protocol";
import { adminStream } from "../../data/admin.ts";
import type { ServiceFile, Source } from "./service-files.ts";

/** Most bytes of a message that a deploy takes. */
const MESSAGE_BYTES = 32 * 1024;
const BLOCK_BYTES = 512;
/** Longer names need a header of their own. */
const NAME_BYTES_MAX = 100;

/** Deploys a service. `onSent` is called with the bytes of files that were sent. @throws LeverError */
export async function deploy(
  environment: string,
  source: Source,
  onSent: (bytes: number) => void,
): Promise<DeployReport> {
  const stream = await adminStream("deployServiceChan", environment, { report: true });
  let report: DeployReport | undefined;
  let isOver = false;
  const send = async (): Promise<void> => {
    const reader = archiveOf(source, onSent).getReader();
    for (;;) {
      const { value } = await reader.read();
      if (value === undefined || isOver) break;
      for (let at = 0; at < value.length; at += MESSAGE_BYTES) {
        stream.write(value.subarray(at, at + MESSAGE_BYTES));
        await stream.drained();
      }
    }
    stream.end();
  };
  const sent = send().catch((error: unknown) => {
    // A file cannot be read: it was changed or removed.
    stream.cancel();
    throw error;
  });
  try {
    for await (const message of stream) report = message as DeployReport;
  } catch (error) {
    isOver = true;
    await sent;
    throw error;
  }
  await sent;
  if (report === undefined) throw new Error("The host has not said what it deployed.");
  return report;
}

function archiveOf(source: Source, onSent: (bytes: number) => void): ReadableStream<Uint8Array> {
  if (source.kind === "archive") return source.file.stream();
  const parts = tar(source.files, onSent);
  const packed = new ReadableStream<Uint8Array<ArrayBuffer>>({
    async pull(controller) {
      const { value, done } = await parts.next();
      if (done === true) controller.close();
      else controller.enqueue(value);
    },
  });
  return packed.pipeThrough(new CompressionStream("gzip"));
}

/** A tar archive of files. Folders are made for them. */
async function* tar(
  files: readonly ServiceFile[],
  onSent: (bytes: number) => void,
): AsyncGenerator<Uint8Array<ArrayBuffer>, undefined> {
  for (const { path, file } of files) {
    const content = new Uint8Array(await file.arrayBuffer());
    const name = new TextEncoder().encode(path);
    if (name.length > NAME_BYTES_MAX) yield longName(path);
    const mode = isProgram(content) ? "755" : "644";
    yield header(name.subarray(0, NAME_BYTES_MAX), { size: content.length, mode, type: "0" });
    yield content;
    yield new Uint8Array((BLOCK_BYTES - (content.length % BLOCK_BYTES)) % BLOCK_BYTES);
    onSent(content.length);
  }
  yield new Uint8Array(2 * BLOCK_BYTES);
}

/** Browsers do not show whether a file may be executed: one for Linux begins with `#!` or with the mark of ELF. */
function isProgram([a, b, c, d]: Uint8Array): boolean {
  return (a === 0x23 && b === 0x21) || (a === 0x7f && b === 0x45 && c === 0x4c && d === 0x46);
}

/** The name of the next file: `<length> path=<name>`, where the length is that of all of it (POSIX pax). */
function longName(path: string): Uint8Array<ArrayBuffer> {
  const record = new TextEncoder().encode(` path=${path}\n`);
  let length = record.length;
  while (record.length + String(length).length !== length) {
    length = record.length + String(length).length;
  }
  const body = new Uint8Array(Math.ceil(length / BLOCK_BYTES) * BLOCK_BYTES);
  body.set(new TextEncoder().encode(String(length)));
  body.set(record, String(length).length);
  const head = header(new TextEncoder().encode("name"), { size: length, mode: "644", type: "x" });
  const both = new Uint8Array(BLOCK_BYTES + body.length);
  both.set(head);
  both.set(body, BLOCK_BYTES);
  return both;
}

function header(
  name: Uint8Array,
  { size, mode, type }: { readonly size: number; readonly mode: string; readonly type: string },
): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string): void => block.set(new TextEncoder().encode(text), at);
  block.set(name);
  put(100, `${mode.padStart(7, "0")}\0`);
  put(108, "0000000\x000000000\0");
  put(124, `${size.toString(8).padStart(11, "0")}\0${"0".repeat(11)}\0`);
  // The sum is that of a block whose field for it has spaces.
  put(148, `${" ".repeat(8)}${type}`);
  put(257, "ustar\x0000");
  const sum = block.reduce((total, byte) => total + byte, 0);
  put(148, `${sum.toString(8).padStart(6, "0")}\0 `);
  return block;
}
