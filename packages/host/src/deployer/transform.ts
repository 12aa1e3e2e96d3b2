import {
  type CallRequest,
  LeverError,
  type Limits,
  OUTSIDE,
  PAYLOAD_JSON,
} from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { preparationReason } from "../fleet/service-failures.ts";
import { linkInstance, type TransformLink } from "../instance-link/instance-link.ts";
import type { InstanceAccess, LaunchedRuntime, Launcher } from "../launcher/launcher.ts";
import { TransformAnswer } from "./transform-answer.ts";
import { describeEnd } from "./transform-end.ts";
import { transformError } from "./transform-error.ts";
import { TransformedFiles } from "./transformed-files.ts";

export interface TransformOptions {
  readonly launcher: Pick<Launcher, "launch">;
  readonly limits: Limits;
  readonly clock: Clock;
}

/** The service whose code is transformed. It runs with the access of an instance of the service. */
export interface TransformedService extends Omit<InstanceAccess, "maxCpu"> {
  readonly jsEntry: string;
}

/** Most bytes of one message of a transform. */
const MESSAGE_BYTES_MAX = 4 * 1024 * 1024;
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
  const answer = new TransformAnswer({ files, done: done.resolve, fail });
  const link = linkInstance(runtime.socket, {
    shared: runtime.shared,
    messageBytesMax: MESSAGE_BYTES_MAX,
    callsMax: 1,
    bytesPerSecond: BYTES_PER_SECOND,
    now: () => clock.now(),
    onCall: () => {
      throw transformError("the compiler has made a call");
    },
    onStarted: () => {},
    onReady: () => callTransform(link, answer),
    onFailed: (reason) => fail(transformError(reason)),
    onWaiting: () => {},
    onStopping: () => {},
    onSpans: () => {},
    spanBytesMax: 0,
    onLost: (reason) => {
      // Its exit follows, and has the better reason: a runtime without its link exits.
      lost ??= reason;
    },
  });
  void runtime.exited.then((exit) => {
    fail(transformError(describeEnd(exit, { output, lost, ramMb: limits.transformRamMb })));
  });
  const timer = clock.setTimeout(() => {
    fail(
      transformError(
        `it took longer than the limit transformTimeoutMs allows, ${limits.transformTimeoutMs} ms`,
      ),
    );
  }, limits.transformTimeoutMs);
  try {
    attach(runtime, service).then(
      (visible) => link.transform({ ...visible, entry: jsEntry }),
      (error: unknown) =>
        fail(transformError(`its code could not be attached (${preparationReason(error)})`)),
    );
    await done.promise;
    await files.finish();
  } finally {
    clock.clearTimeout(timer);
    runtime.kill();
    link.close(new LeverError("cancelled", "The transform has ended."));
    await runtime.exited;
    // The caller may remove the folder.
    await answer.stop();
  }
}

async function attach(
  runtime: LaunchedRuntime,
  service: TransformedService,
): Promise<Pick<Parameters<TransformLink["transform"]>[0], "codeDir" | "user">> {
  const visible = await runtime.attach?.({ ...service, maxCpu: undefined });
  return { codeDir: visible?.codeDir ?? service.codeDir, user: visible?.user };
}

/** Calls the transform, which answers with its files. */
function callTransform(link: TransformLink, answer: TransformAnswer): void {
  const request: CallRequest = {
    caller: OUTSIDE,
    target: { environment: "", service: "", resource: "", method: "transformChan" },
    isStream: true,
    timeoutMs: 0,
    kind: PAYLOAD_JSON,
    body: new TextEncoder().encode("[]"),
  };
  answer.side = link.open(request, answer, false);
}
