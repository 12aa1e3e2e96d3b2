// A service that calls another one over HTTP, on connections that are kept: node-http.js is the other one.
import { Agent, createServer, request } from "node:http";

const agent = new Agent({ keepAlive: true, maxSockets: 256 });

function sayHello(args) {
  return new Promise((resolve, reject) => {
    const body = JSON.stringify(args);
    const outgoing = request(
      {
        agent,
        host: "127.0.0.1",
        port: process.env.BACK_PORT,
        method: "POST",
        path: "/sayHello",
        headers: { "content-type": "application/json", "content-length": Buffer.byteLength(body) },
      },
      (response) => {
        const chunks = [];
        response.on("data", (chunk) => chunks.push(chunk));
        response.on("end", () => resolve(JSON.parse(Buffer.concat(chunks).toString())));
      },
    );
    outgoing.on("error", reject);
    outgoing.end(body);
  });
}

createServer((incoming, response) => {
  const chunks = [];
  incoming.on("data", (chunk) => chunks.push(chunk));
  incoming.on("end", async () => {
    try {
      const greeting = await sayHello(JSON.parse(Buffer.concat(chunks).toString()));
      const body = Buffer.from(JSON.stringify(greeting));
      response.writeHead(200, {
        "content-type": "application/json",
        "content-length": body.length,
      });
      response.end(body);
    } catch (error) {
      response.writeHead(502).end(String(error));
    }
  });
}).listen(Number(process.env.PORT), "127.0.0.1");
