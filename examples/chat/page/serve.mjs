// Serves the page on this machine: node examples/chat/page/serve.mjs
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const files = {
  "/": ["index.html", "text/html; charset=utf-8"],
  "/chat.js": ["chat.js", "text/javascript"],
  "/leveros.js": [fileURLToPath(import.meta.resolve("leveros/browser")), "text/javascript"],
};

const server = createServer(async (request, response) => {
  const [file, type] = files[new URL(request.url, "http://page").pathname] ?? [];
  if (file === undefined) {
    response.writeHead(404).end();
    return;
  }
  response.writeHead(200, { "content-type": type });
  response.end(await readFile(file.startsWith("/") ? file : join(import.meta.dirname, file)));
});
server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`The chat is at http://127.0.0.1:${server.address().port}/?room=lobby&name=Ada`);
});
