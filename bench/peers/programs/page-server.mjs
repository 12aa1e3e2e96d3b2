import { createServer } from "node:http";
import app from "./page.mjs";

const page = await app.fetch().text();
const headers = { "content-type": "text/html; charset=utf-8", "content-length": page.length };

createServer((_request, response) => {
  response.writeHead(200, headers).end(page);
}).listen(Number(process.env.PORT), "127.0.0.1");
