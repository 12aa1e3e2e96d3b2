import {
  type CallHandle,
  type CallRequest,
  decodeValue,
  LeverError,
  type Limits,
  OUTSIDE,
  PAYLOAD_JSON,
  type PayloadKind,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { linkInstance, type TransformLink } from "../instance-link/instance-link.ts";
import type { InstanceAccess, LaunchedRuntime, Launcher } from "../launcher/launcher.ts";
import { describeEnd } from "./transform-end.ts";
import { TransformedFiles } from "./transformed-files.ts";

export interface TransformOptions {
  readonly launcher: Pick<Launcher, "launch">;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** The service whose code is transformed. It runs with the access of an instance of the service. */
export interface TransformedService extends Omit<InstanceAccess, "maxCpu"> {
  readonly jsEntry: string | undefined;
}

/** Most bytes of one message of a transform. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
/** Files that wait to be written before the transform is paused. */
const WAITING_FILES_MAX = 64;
const OUTPUT_CHARS_MAX = 2_000;
const BYTES_PER_SECOND = 1e9;

/**
 * Replaces the TypeScript in a folder by JavaScript, once for all instances. A runtime of its own reads the sources, behind
 * the same fence as an instance and with limits of memory and time: they may be made to exhaust a compiler.
 * @throws LeverError `invalid_service` with the syntax errors, or the limit that was exceeded.
 */
export async function transformCode(
  options: TransformOptions,
  service: TransformedService,
): Promise<void> {
  const { launcher, limits, clock } = options;
  const { codeDir, jsEntry } = service;
  let output = "";
  let lost: Error | undefined;
  const runtime = launcher.launch({
    ram: limits.transformRamMb,
    onOutput: (chunk) => {
      output = (output + chunk.toString("utf8")).slice(-OUTPUT_CHARS_MAX);
    },
  });
  const done = Promise.withResolvers<void>();
  const fail = (error: unknown): void => done.reject(error);
  done.promise.catch(() => {});
  const files = new TransformedFiles(codeDir, {
    filesMax: 2 * limits.archiveEntriesMax,
    bytesMax: limits.unpackedBytesMax,
  });
  const link = linkInstance(runtime.socket, {
    shared: runtime.shared,
    messageBytesMax: MESSAGE_BYTES_MAX,
    callsMax: 1,
    bytesPerSecond: BYTES_PER_SECOND,
    now: () => clock.now(),
    onCall: () => {
      throw invalid("its runtime has made a call");
    },
    onStarted: () => {},
    onReady: () => receiveFiles(link, { files, done: done.resolve, fail }),
    onFailed: (reason) => fail(invalid(reason)),
    onWaiting: () => {},
    onStopping: () => {},
    onLost: (reason) => {
      // Its exit follows, and has the better reason: a runtime without its link exits.
      lost ??= reason;
    },
  });
  void runtime.exited.then((exit) => {
    fail(invalid(describeEnd(exit, { output, lost, ramMb: limits.transformRamMb })));
  });
  const timer = clock.setTimeout(() => {
    fail(
      invalid(
        `it took longer than the limit transformTimeoutMs allows, ${limits.transformTimeoutMs} ms`,
      ),
    );
  }, limits.transformTimeoutMs);
  try {
    attach(runtime, service).then(
      (visible) => link.transform({ ...visible, entry: jsEntry }),
      (error: unknown) => fail(invalid(`its code could not be attached (${String(error)})`)),
    );
    await done.promise;
    await files.finish();
  } finally {
    clock.clearTimeout(timer);
    runtime.kill();
    link.close(new LeverError("cancelled", "The transform has ended."));
    await runtime.exited;
  }
}

async function attach(
  runtime: LaunchedRuntime,
  service: TransformedService,
): Promise<Pick<Parameters<TransformLink["transform"]>[0], "codeDir" | "user">> {
  const visible = await runtime.attach?.({ ...service, maxCpu: undefined });
  return { codeDir: visible?.codeDir ?? service.codeDir, user: visible?.user };
}

interface ReceiveOptions {
  readonly files: TransformedFiles;
  done(): void;
  fail(error: unknown): void;
}

/** Calls the transform and writes each file that it answers with. */
function receiveFiles(link: TransformLink, { files, done, fail }: ReceiveOptions): void {
  let current: { readonly path: string; readonly bytes: Buffer; filled: number } | undefined;
  let written: Promise<void> = Promise.resolve();
  let waiting = 0;
  const write = (path: string, bytes: Uint8Array): void => {
    waiting++;
    if (waiting === WAITING_FILES_MAX) side.pause();
    written = written.then(async () => {
      await files.write(path, bytes);
      waiting--;
      if (waiting === WAITING_FILES_MAX - 1) side.resume();
    });
    written.catch(fail);
  };
  const onMessage = (kind: PayloadKind, bytes: Uint8Array): void => {
    if (kind === PAYLOAD_JSON) {
      const head = parseHead(decodeValue(kind, bytes));
      if (current !== undefined || head === undefined) throw invalid("its answer is broken");
      files.announce(head.bytes);
      current = { path: head.path, bytes: Buffer.alloc(head.bytes), filled: 0 };
    } else {
      if (current === undefined || current.filled + bytes.length > current.bytes.length) {
        throw invalid("its answer is broken");
      }
      current.bytes.set(bytes, current.filled);
      current.filled += bytes.length;
    }
    if (current.filled < current.bytes.length) return;
    write(current.path, current.bytes);
    current = undefined;
  };
  const request: CallRequest = {
    caller: OUTSIDE,
    target: { environment: "", service: "", resource: "", method: "transformChan" },
    isStream: true,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body: new TextEncoder().encode("[]"),
  };
  const side: CallHandle = link.open(
    request,
    {
      onMessage(kind, bytes) {
        try {
          onMessage(kind, bytes);
        } catch (error) {
          fail(error);
        }
      },
      onEnd: () => void written.then(done, fail),
      onFail: (kind, bytes) => fail(invalid(String(decodeValue(kind, bytes)))),
      onAbort: fail,
      onDrain() {},
    },
    false,
  );
}

function parseHead(value: unknown): { path: string; bytes: number } | undefined {
  if (typeof value !== "object" || value === null) return undefined;
  if (!("path" in value && "bytes" in value)) return undefined;
  const { path, bytes } = value;
  if (typeof path !== "string" || typeof bytes !== "number") return undefined;
  return Number.isSafeInteger(bytes) && bytes >= 0 ? { path, bytes } : undefined;
}

function invalid(reason: string): LeverError {
  const dot = /[.!?]$/.test(reason) ? "" : ".";
  return new LeverError("invalid_service", `Cannot transform the TypeScript: ${reason}${dot}`);
}
