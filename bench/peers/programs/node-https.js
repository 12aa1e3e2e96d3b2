// The work with nothing around it: what a service costs on Node's own HTTPS server, in one process.
import { readFileSync } from "node:fs";
import { createServer } from "node:https";

const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
};

const [cert, key] = process.argv.slice(2);
const server = createServer(
  { cert: readFileSync(cert), key: readFileSync(key) },
  (request, response) => {
    const chunks = [];
    request.on("data", (chunk) => chunks.push(chunk));
    request.on("end", () => {
      const method = methods[request.url];
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
  },
);
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port} is open`));
