import type { CallListener } from "@leveros/protocol";
import { isThenable, type StyledMethod } from "./call-method.ts";
import type { RunningCall } from "./running-call.ts";
import { ServiceStream } from "./service-stream.ts";

/** Calls a streaming method: its messages are those that it writes to the stream, or that it returns. */
export function serveStream(
  method: StyledMethod,
  running: RunningCall,
  args: unknown[],
): CallListener {
  const stream = new ServiceStream(running.side, running.encode);
  stream.once("finish", () => running.finish());
  stream.once("error", (error) => {
    if (stream.cancelledBy === undefined) running.fail(error);
    else running.cancel(stream.cancelledBy);
  });
  stream.once("close", () => {
    if (!running.isOver) running.fail(new Error("The method closed its stream before its end."));
  });
  try {
    const returned = Reflect.apply(method.call, method.owner, [stream, ...args]);
    const result = isOutput(returned) ? writeAll(returned, stream) : returned;
    if (isThenable(result)) {
      result.then(
        () => {
          running.settle();
          stream.end();
        },
        (error: unknown) => {
          running.settle();
          running.fail(error);
          stream.destroy();
        },
      );
    } else {
      stream.once("close", () => running.settle());
    }
  } catch (error) {
    running.settle();
    running.fail(error);
    stream.destroy();
  }
  return stream;
}

/** Sends the messages of a generator, with backpressure. Ends the generator when the call is cancelled. */
async function writeAll(
  messages: AsyncIterable<unknown> | Iterable<unknown>,
  stream: ServiceStream,
): Promise<void> {
  for await (const message of messages) {
    if (stream.destroyed) return;
    if (!stream.write(message)) await stream.drained();
  }
}

/**
 * True for the result of a generator function, and for a readable stream. Ignored are other values, and a stream that can be
 * written to: `stream.on(…)` returns the method's own, `stream.pipe(…)` another.
 */
function isOutput(value: unknown): value is AsyncIterable<unknown> | Iterable<unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  if ("write" in value && typeof value.write === "function") return false;
  return Symbol.asyncIterator in value || (Symbol.iterator in value && "next" in value);
}
