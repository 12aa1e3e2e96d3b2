// The work with nothing around it: what a service costs on Node's own HTTP/2 server, in one process, with its `stream` event.
import { readFileSync } from "node:fs";
import { createSecureServer, createServer } from "node:http2";

const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
};

const [cert, key] = process.argv.slice(2);
const server =
  cert === undefined
    ? createServer()
    : createSecureServer({ cert: readFileSync(cert), key: readFileSync(key) });

server.on("stream", (stream, headers) => {
  const chunks = [];
  stream.on("error", () => {});
  stream.on("data", (chunk) => chunks.push(chunk));
  stream.on("end", () => {
    const method = methods[headers[":path"]];
    if (method === undefined) {
      stream.respond({ ":status": 404 }, { endStream: true });
      return;
    }
    const args = JSON.parse(Buffer.concat(chunks).toString());
    const body = Buffer.from(JSON.stringify(method(...args)));
    stream.respond({
      ":status": 200,
      "content-type": "application/json",
      "content-length": body.length,
    });
    stream.end(body);
  });
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port} is open`));
