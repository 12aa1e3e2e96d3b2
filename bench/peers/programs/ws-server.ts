/** Sends back each message, as a plain WebSocket server does. */
import { once } from "node:events";
import { type WebSocket, WebSocketServer } from "ws";

const server = new WebSocketServer({ port: 0, host: "127.0.0.1", perMessageDeflate: false });
server.on("connection", (socket: WebSocket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {});
});
await once(server, "listening");
const address = server.address();
if (typeof address === "object") console.log(`port ${address?.port}`);
