// Watt: the work as an application of one HTTP server.
import { createServer } from "node:http";

const methods = {
  "/sayHello": (name) => `Hello, ${name}!`,
  "/lengthOf": (text) => text.length,
};

export function build() {
  return createServer((request, response) => {
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
  });
}
