/**
 * A room over one protocol, `ws`, `sse` or `grpc`: sends each message of a member to all members, encoded once where the
 * library allows it.
 */
import { once } from "node:events";
import { createServer, type ServerResponse } from "node:http";
import * as grpc from "@grpc/grpc-js";
import { type WebSocket, WebSocketServer } from "ws";
import { fromJsonMessage, leverMessages, toJsonMessage } from "../../../tests/harness/grpc-peer.ts";

const messageOf = (text: unknown): object => ({
  from: "bench",
  text,
  at: new Date().toISOString(),
});

async function serveWebSockets(): Promise<number> {
  const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
  server.on("connection", (socket: WebSocket) => {
    socket.on("error", () => {});
    socket.on("message", (data) => {
      const message = Buffer.from(JSON.stringify(messageOf(JSON.parse(String(data)))));
      for (const member of server.clients) member.send(message, { binary: false });
    });
  });
  await once(server, "listening");
  return portOf(server.address());
}

async function serveEvents(): Promise<number> {
  const members = new Set<ServerResponse>();
  const server = createServer(async (request, response) => {
    if (request.method === "GET") {
      response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
      response.write("retry: 3000\n\n");
      members.add(response);
      response.on("close", () => members.delete(response));
      return;
    }
    let body = "";
    for await (const chunk of request) body += chunk;
    const [text] = JSON.parse(body) as unknown[];
    const event = `event: message\ndata: ${JSON.stringify(messageOf(text))}\n\n`;
    for (const member of members) member.write(event);
    response.writeHead(200, { "content-type": "application/json" }).end("null");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return portOf(server.address());
}

type Message = Record<string, unknown>;

function serveGrpc(): Promise<number> {
  const { streamMessage } = leverMessages;
  const members = new Set<grpc.ServerDuplexStream<Message, object>>();
  const server = new grpc.Server();
  server.addService(
    {
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
      HandleStreamingRPC(stream: grpc.ServerDuplexStream<Message, object>) {
        stream.on("data", (received: Message) => {
          if ("rpc" in received) {
            members.add(stream);
            stream.write({});
            return;
          }
          const message = {
            message: toJsonMessage(messageOf(fromJsonMessage(received["message"]))),
          };
          for (const member of members) member.write(message);
        });
        stream.on("cancelled", () => members.delete(stream));
        stream.on("error", () => {});
      },
    },
  );
  return new Promise((resolve, reject) => {
    const insecure = grpc.ServerCredentials.createInsecure();
    server.bindAsync("127.0.0.1:0", insecure, (error, port) =>
      error === null ? resolve(port) : reject(error),
    );
  });
}

const portOf = (address: unknown): number => (address as { port: number }).port;

const serve = { ws: serveWebSockets, sse: serveEvents, grpc: serveGrpc }[process.argv[2] ?? ""];
if (serve === undefined) throw new Error("Cannot serve: name a protocol, ws, sse or grpc.");
console.log(`port ${await serve()}`);
