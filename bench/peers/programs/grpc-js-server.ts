/** The service's work on a grpc-js server, with the messages of Lever's gRPC wire. */
import * as grpc from "@grpc/grpc-js";
import { fromJsonMessage, leverMessages, toJsonMessage } from "../../../tests/harness/grpc-peer.ts";

const { rpc, reply, streamMessage } = leverMessages;
const server = new grpc.Server();
server.addService(
  {
    HandleRPC: {
      path: "/core.LeverRPC/HandleRPC",
      requestStream: false,
      responseStream: false,
      requestSerialize: rpc.serialize,
      requestDeserialize: rpc.deserialize,
      responseSerialize: reply.serialize,
      responseDeserialize: reply.deserialize,
    },
    HandleStreamingRPC: {
      path: "/core.LeverRPC/HandleStreamingRPC",
      requestStream: true,
      responseStream: true,
      requestSerialize: streamMessage.serialize,
      requestDeserialize: streamMessage.deserialize,
      responseSerialize: streamMessage.serialize,
      responseDeserialize: streamMessage.deserialize,
    },
  },
  {
    HandleRPC(call: grpc.ServerUnaryCall<Message, object>, done: grpc.sendUnaryData<object>) {
      const [name] = fromJsonMessage({ json_array: call.request["args"] }) as unknown[];
      done(null, { result: toJsonMessage(`Hello, ${name}!`) });
    },
    HandleStreamingRPC(stream: grpc.ServerDuplexStream<Message, object>) {
      stream.on("data", (message: Message) => {
        // The first message each way opens the stream.
        stream.write("rpc" in message ? {} : message);
      });
      stream.on("end", () => stream.end());
      stream.on("error", () => {});
    },
  },
);

type Message = Record<string, unknown>;

server.bindAsync("127.0.0.1:0", grpc.ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  console.log(`port ${port}`);
});
