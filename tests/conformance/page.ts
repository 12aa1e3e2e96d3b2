import type { Client } from "leveros";
import type { Page } from "playwright-core";
import { CHUNK_BYTES, type Outcome } from "./cases.ts";
import { type Bench, type Failure, isBytes, type Streamed, type Transport } from "./transport.ts";

// Values go into a page and come out of it as JSON. Bytes are packed.

type Packed = { readonly bytes: string } | { readonly json: string };

const pack = (value: unknown): Packed =>
  isBytes(value)
    ? { bytes: Buffer.from(value).toString("base64") }
    : { json: JSON.stringify(value) ?? "null" };

const unpack = (packed: Packed): unknown =>
  "bytes" in packed ? Buffer.from(packed.bytes, "base64") : JSON.parse(packed.json);

type PackedFailure = { error: Packed } | { code: string };
type PackedOutcome = { result: Packed } | PackedFailure;

const unpackFailure = (failure: PackedFailure): Failure =>
  "error" in failure ? { error: unpack(failure.error) } : failure;

interface PageTools {
  pack(value: unknown): Packed;
  unpack(packed: Packed): unknown;
  failure(error: unknown): PackedFailure;
  crc32(bytes: Uint8Array, from: number): number;
  client: Client;
}

async function callInPage(call: {
  service: string;
  method: string;
  args: Packed[];
  timeoutMs: number;
}): Promise<PackedOutcome> {
  const tools = globalThis as unknown as PageTools;
  const { service, method, timeoutMs } = call;
  try {
    const remote = tools.client.with({ timeoutMs }).service("dev.lever", service);
    return { result: tools.pack(await remote.invoke(method, ...call.args.map(tools.unpack))) };
  } catch (error) {
    return tools.failure(error);
  }
}

interface PageStream {
  readonly service: string;
  readonly method: string;
  readonly args: Packed[];
  readonly sent: Packed[];
  readonly sentChunks: number;
  readonly chunkBytes: number;
  readonly keepsOpen: boolean;
  readonly leavesAfter: number | undefined;
  readonly folds: boolean;
}

async function streamInPage(
  call: PageStream,
): Promise<{ received: Packed[]; failure?: PackedFailure }> {
  const tools = globalThis as unknown as PageTools;
  const remote = tools.client.service("dev.lever", call.service);
  const stream = await remote.invokeChan(call.method, ...call.args.map(tools.unpack));
  const sending = (async () => {
    for (const message of call.sent) {
      if (!stream.write(tools.unpack(message))) await stream.drained();
    }
    for (let i = 0; i < call.sentChunks; i++) {
      const chunk = new Uint8Array(call.chunkBytes).fill(i % 251);
      if (!stream.write(chunk)) await stream.drained();
    }
    if (!call.keepsOpen) stream.end();
  })();
  const kept: Packed[] = [];
  let bytes = 0;
  let crc = 0;
  const received = (): Packed[] => (call.folds ? [tools.pack({ bytes, crc })] : kept);
  try {
    for await (const message of stream) {
      if (call.folds && message instanceof Uint8Array) {
        bytes += message.length;
        crc = tools.crc32(message, crc);
      } else {
        kept.push(tools.pack(message));
      }
      if (kept.length === call.leavesAfter) {
        stream.cancel();
        return { received: received() };
      }
    }
    if (!call.keepsOpen) await sending;
    return { received: received() };
  } catch (error) {
    return { received: received(), failure: tools.failure(error) };
  }
}

/** The page's own half. */
export const pageTools = `
  const PART = 32_768;
  const text = (bytes) => { let all = ""; for (let at = 0; at < bytes.length; at += PART) all += String.fromCharCode(...bytes.subarray(at, at + PART)); return all; };
  const bytesOf = (text) => { const bytes = new Uint8Array(text.length); for (let i = 0; i < bytes.length; i++) bytes[i] = text.charCodeAt(i); return bytes; };
  globalThis.pack = (value) => value instanceof Uint8Array ? { bytes: btoa(text(value)) } : { json: JSON.stringify(value) ?? "null" };
  globalThis.unpack = (packed) => "bytes" in packed ? bytesOf(atob(packed.bytes)) : JSON.parse(packed.json);
  globalThis.failure = (error) => error.code === "method_failed" ? { error: pack(error.value) } : { code: error.code };
  const table = Int32Array.from({ length: 256 }, (_, byte) => { let c = byte; for (let i = 0; i < 8; i++) c = c & 1 ? (c >>> 1) ^ 0xedb88320 : c >>> 1; return c; });
  globalThis.crc32 = (bytes, from) => { let c = ~from; for (let i = 0; i < bytes.length; i++) c = table[(c ^ bytes[i]) & 255] ^ (c >>> 8); return ~c >>> 0; };
`;

function pageOf({ page }: Bench): Page {
  if (page === undefined) throw new Error("Cannot call from a page: there is no browser.");
  return page;
}

export const chromium: Transport = {
  name: "Chromium",
  tags: ["needs-chromium"],
  async regular(bench, service, { method, args, timeoutMs = 0 }): Promise<Outcome> {
    const call = { service, method, args: args.map(pack), timeoutMs };
    const outcome = await pageOf(bench).evaluate(callInPage, call);
    return "result" in outcome ? { result: unpack(outcome.result) } : unpackFailure(outcome);
  },
  async stream(bench, service, of): Promise<Streamed> {
    const { received, failure } = await pageOf(bench).evaluate(streamInPage, {
      service,
      method: of.method,
      args: of.args.map(pack),
      sent: of.sent.map(pack),
      sentChunks: of.sentChunks ?? 0,
      chunkBytes: CHUNK_BYTES,
      keepsOpen: of.keepsOpen === true,
      leavesAfter: of.leavesAfter,
      folds: of.folds === true,
    });
    const unpacked = { received: received.map(unpack) };
    return failure === undefined ? unpacked : { ...unpacked, failure: unpackFailure(failure) };
  },
};
