// The least that two processes can do and still answer the call: the one that listens reads the head as far as it must, passes
// the method and the body on, and writes what comes back; the other one calls the function. It takes each request to come whole
// and to be right, knows no deadline, no limit and nobody who leaves, and has one instance of one service.
import { spawn } from "node:child_process";
import { createServer, Socket } from "node:net";
import { fileURLToPath } from "node:url";

const LINK_FD = 3;
const BUFFER_BYTES = 64 * 1024;
/** Of a frame: u32 connection, u16 bytes of the method, u16 bytes of the body. */
const HEADER_BYTES = 8;

const methods = {
  sayHello: (name) => `Hello, ${name}!`,
  lengthOf: (text) => text.length,
};

if (process.argv[2] === "back") serve();
else listen();

function listen() {
  const link = spawn(process.execPath, [fileURLToPath(import.meta.url), "back"], {
    stdio: ["ignore", "inherit", "inherit", "pipe"],
  }).stdio[LINK_FD];
  const connections = new Map();
  const send = frames(link);
  let lastId = 0;
  createServer((connection) => {
    const id = ++lastId;
    connections.set(id, connection);
    connection.on("data", (request) => {
      const end = request.indexOf("\r\n\r\n");
      const head = request.latin1Slice(0, end);
      const method = head.slice(head.indexOf("/") + 1, head.indexOf(" HTTP/"));
      const bytes = Number(/content-length: *(\d+)/i.exec(head)[1]);
      send(id, method, request.subarray(end + 4, end + 4 + bytes));
    });
    connection.on("error", () => {});
    connection.on("close", () => connections.delete(id));
  }).listen(Number(process.env.PORT), "127.0.0.1");
  link.on("data", (chunk) => {
    read(chunk, (id, _method, body) => {
      const head = `HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: ${body.length}`;
      const answer = `${head}\r\nconnection: keep-alive\r\n\r\n${body.latin1Slice()}`;
      connections.get(id)?.write(answer, "latin1");
    });
  });
}

function serve() {
  const link = new Socket({
    fd: LINK_FD,
    readable: true,
    writable: true,
    onread: {
      buffer: Buffer.alloc(BUFFER_BYTES),
      callback(bytes, buffer) {
        read(buffer.subarray(0, bytes), (id, method, body) => {
          const result = methods[method](...JSON.parse(body.utf8Slice()));
          send(id, "", Buffer.from(JSON.stringify(result)));
        });
        return true;
      },
    },
  });
  const send = frames(link);
  link.on("close", () => process.exit());
}

/** Sends frames: all that one turn of the loop brings leaves in one write. */
function frames(link) {
  const gathered = Buffer.alloc(BUFFER_BYTES);
  let end = 0;
  const flush = () => {
    link.write(Buffer.from(gathered.subarray(0, end)));
    end = 0;
  };
  return (id, method, body) => {
    if (end === 0) setImmediate(flush);
    gathered.writeUInt32LE(id, end);
    gathered.writeUInt16LE(method.length, end + 4);
    gathered.writeUInt16LE(body.length, end + 6);
    end += HEADER_BYTES;
    end += gathered.latin1Write(method, end);
    end += body.copy(gathered, end);
  };
}

function read(chunk, onFrame) {
  let at = 0;
  while (at < chunk.length) {
    const id = chunk.readUInt32LE(at);
    const methodEnd = at + HEADER_BYTES + chunk.readUInt16LE(at + 4);
    const end = methodEnd + chunk.readUInt16LE(at + 6);
    onFrame(id, chunk.latin1Slice(at + HEADER_BYTES, methodEnd), chunk.subarray(methodEnd, end));
    at = end;
  }
}
