import { once } from "node:events";
import type { Metadata, StatusObject } from "@grpc/grpc-js";
import { fromJsonMessage, toJsonMessage, toRpc } from "../harness/grpc-peer.ts";
import { converse, Failed, type Failure, isBytes, type Transport } from "./transport.ts";

const OK = 0;
const DEADLINE_EXCEEDED = 4;

function failureOf({ code, metadata }: { code: number; metadata: Metadata }): Failure {
  const [leverCode] = metadata.get("lever-code");
  if (leverCode !== undefined) return { code: String(leverCode) };
  // The caller's library fails the call before Lever does.
  return { code: code === DEADLINE_EXCEEDED ? "deadline_exceeded" : `status ${code}` };
}

/** Why gRPC cannot carry deeply nested values. */
export const nestsTooDeep = "protobuf libraries read no more than 100 messages within one another";

export const grpcTransport: Transport = {
  name: "gRPC",
  async regular({ grpc }, service, { method, args, timeoutMs }) {
    const options = timeoutMs === undefined ? {} : { deadline: Date.now() + timeoutMs };
    try {
      const reply = await grpc.unary(
        `lever://dev.lever/${service}/${method}`,
        toRpc(args),
        options,
      );
      if ("byte_result" in reply) return { result: reply["byte_result"] };
      if ("byte_error" in reply) return { error: reply["byte_error"] };
      return "error" in reply
        ? { error: fromJsonMessage(reply["error"]) }
        : { result: fromJsonMessage(reply["result"]) };
    } catch (error) {
      return failureOf(error as StatusObject);
    }
  },
  stream({ grpc }, service, of) {
    const stream = grpc.stream(`lever://dev.lever/${service}/${of.method}`);
    const status = new Promise<StatusObject>((resolve) => stream.on("status", resolve));
    stream.on("error", () => {});
    async function* messages(): AsyncGenerator<unknown> {
      try {
        for await (const message of stream as AsyncIterable<Record<string, unknown>>) {
          if ("message" in message) yield fromJsonMessage(message["message"]);
          if ("byte_message" in message) yield message["byte_message"];
          if ("error" in message) throw new Failed({ error: fromJsonMessage(message["error"]) });
        }
      } catch (error) {
        if (error instanceof Failed) throw error;
      }
      const ended = await status;
      if (ended.code !== OK) throw new Failed(failureOf(ended));
    }
    const write = (message: object): Promise<unknown> | undefined =>
      stream.write(message) ? undefined : once(stream, "drain");
    void write({ rpc: toRpc(of.args) });
    return converse(
      {
        send: (message) =>
          write(isBytes(message) ? { byte_message: message } : { message: toJsonMessage(message) }),
        end: () => stream.end(),
        leave: () => stream.cancel(),
        messages: messages(),
      },
      of,
    );
  },
  cannot: (of) => (of.nestsDeep === true ? nestsTooDeep : undefined),
};
