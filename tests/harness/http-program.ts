/** A program that answers HTTP on `$PORT`, as the source of an ES module for Node. Its pages show what reaches it. */
export const httpProgram = `
import { createHash } from "node:crypto";
import { createServer } from "node:http";

const version = process.env.LEVEROS_CODE_VERSION;
const instance = process.env.LEVEROS_INSTANCE_ID;
let connections = 0;
const json = (response, value) => response.setHeader("content-type", "application/json").end(JSON.stringify(value));

const pages = {
  "/": (request, response) => response.setHeader("content-type", "text/html").end("<h1>Version " + version + "</h1>"),
  "/ready": (request, response) => response.end(),
  "/connections": (request, response) => json(response, connections),
  "/head": (request, response) => json(response, { method: request.method, url: request.url, fields: request.rawHeaders }),
  "/place": ({ headers }, response) => json(response, { instance, resource: headers["lever-resource"], epoch: headers["lever-resource-epoch"] }),
  "/echo": (request, response) => request.pipe(response),
  "/fields": (request, response) => response.writeHead(200, [
    "set-cookie", "a=1", "set-cookie", "b=2", "connection", "x-hop", "x-hop", "1", "keep-alive", "timeout=9",
    "lever-error", "platform", "x-own", "kept", "trailer", "x-t",
  ]).end("fields"),
  "/hints": (request, response) => {
    response.writeEarlyHints({ link: "</a.css>; rel=preload" });
    response.end("after hints");
  },
  "/trailers": (request, response) => {
    response.writeHead(200, { trailer: "x-t", "transfer-encoding": "chunked" });
    response.addTrailers({ "x-t": "1" });
    response.end("with trailers");
  },
  "/empty": (request, response) => response.writeHead(204).end(),
  "/sized": (request, response) => response.setHeader("content-length", 5).end("12345"),
  "/unsized": (request, response) => {
    response.useChunkedEncodingByDefault = false;
    response.end(response.write("12345") ? "" : "");
  },
  "/garbage": (request, response) => response.socket.end("what is this\\r\\n\\r\\n"),
  "/short": (request, response) => {
    response.writeHead(200, { "content-length": 7 });
    response.write("12345");
    setImmediate(() => response.socket.destroySoon());
  },
  "/exit": () => process.exit(9),
};

const server = createServer((request, response) => {
  const url = new URL(request.url, "http://program");
  const page = pages[url.pathname] ?? pages[url.pathname.replace(/^\\/[^/]+/, "")];
  if (page === undefined) response.writeHead(404).end("no " + url.pathname);
  else page(request, response);
});
server.on("connection", () => { connections++; });

// A WebSocket that sends each short text back, and the code with which it was closed.
const open = new Set();
const closeFrame = (code) => Buffer.from([0x88, 2, code >> 8, code & 255]);
server.on("upgrade", (request, socket, head) => {
  socket.on("error", () => {});
  if (request.url === "/refused") {
    socket.end("HTTP/1.1 403 Forbidden\\r\\ncontent-length: 2\\r\\n\\r\\nno");
    return;
  }
  const key = request.headers["sec-websocket-key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
  const accept = createHash("sha1").update(key).digest("base64");
  socket.write("HTTP/1.1 101 Switching Protocols\\r\\nconnection: Upgrade\\r\\nupgrade: websocket\\r\\nlever-call: forged\\r\\nsec-websocket-accept: " + accept + "\\r\\n\\r\\n");
  open.add(socket);
  socket.on("close", () => open.delete(socket));
  socket.on("end", () => socket.end());
  let bytes = head;
  const read = (chunk) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 6) {
      const length = bytes[1] & 127;
      if (length > 125 || bytes.length < 6 + length) return;
      const mask = bytes.subarray(2, 6);
      const content = Buffer.from(bytes.subarray(6, 6 + length).map((byte, at) => byte ^ mask[at & 3]));
      const opcode = bytes[0] & 15;
      bytes = bytes.subarray(6 + length);
      if (opcode === 8) return socket.end(Buffer.concat([Buffer.from([0x88, length]), content]));
      if (String(content) === "bye") return socket.end(closeFrame(4321));
      if (String(content) === "vanish") return socket.end();
      const answer = String(content) === "where" ? Buffer.from(instance) : content;
      socket.write(Buffer.concat([Buffer.from([0x81, answer.length]), answer]));
    }
  };
  socket.on("data", read);
});
process.on("SIGTERM", () => {
  for (const socket of open) socket.end(closeFrame(1001));
  server.close(() => process.exit(0));
});
server.listen(process.env.PORT, process.env.HOST);
`;
