// The work with nothing around it: what a service costs on Node's own server, in one process. With a certificate and a key,
// over TLS.
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
  "/lengthOf": (text) => text.length,
};

const serve = (request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const [path] = request.url.split("?", 1);
    const method = methods[path];
    if (method === undefined) {
      response.writeHead(404).end();
      return;
    }
    const args = JSON.parse(Buffer.concat(chunks).toString());
    const body = Buffer.from(JSON.stringify(method(...args)));
    response.writeHead(200, {
      "content-type": "application/json",
      "content-length": body.length,
    });
    response.end(body);
  });
};

const [cert, key] = process.argv.slice(2);
const server =
  cert === undefined
    ? http.createServer(serve)
    : https.createServer({ cert: readFileSync(cert), key: readFileSync(key) }, serve);
server.listen(Number(process.env.PORT ?? 0), "127.0.0.1", () =>
  console.log(`port ${server.address().port} is open`),
);
