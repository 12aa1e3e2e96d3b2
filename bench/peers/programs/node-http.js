// The work with nothing around it: what a service costs on Node's own HTTP server, in one process.
import { createServer } from "node:http";

const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
  "/lengthOf": (text) => text.length,
};

createServer((request, response) => {
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
}).listen(Number(process.env.PORT), "127.0.0.1");
