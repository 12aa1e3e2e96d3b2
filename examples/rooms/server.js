import { createServer } from "node:http";
import { WebSocketServer } from "ws";

/** The members and the last lines of each room. All requests for a room reach this instance, so they are in memory. */
const rooms = new Map();

const server = createServer((_request, response) => {
  response.writeHead(426, { upgrade: "websocket" }).end("This address is for WebSockets.\n");
});
const sockets = new WebSocketServer({ server, maxPayload: 4_000 });

sockets.on("connection", (socket, request) => {
  const name = request.headers["lever-resource"];
  const room = rooms.get(name) ?? { members: new Set(), lines: [] };
  rooms.set(name, room);
  room.members.add(socket);
  for (const line of room.lines) socket.send(line);
  socket.on("message", (data) => {
    const line = String(data);
    room.lines = [...room.lines.slice(-19), line];
    for (const member of room.members) member.send(line);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    room.members.delete(socket);
    if (room.members.size === 0) rooms.delete(name);
  });
});

// Lever replaces this instance: pages connect again, to the next one.
process.on("SIGTERM", () => {
  for (const socket of sockets.clients) socket.close(1001);
  server.close();
});

server.listen(process.env.PORT, process.env.HOST);
