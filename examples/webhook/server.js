import { createHmac, timingSafeEqual } from "node:crypto";
import { toFetchHandler } from "srvx/node";

const BODY_BYTES_MAX = 64 * 1024;

/** A handler as `http.createServer` takes it. An app of Express is one, too. */
async function handle(request, response) {
  const body = await readBody(request);
  if (body === undefined) response.writeHead(413).end("the body is too large\n");
  else if (!isSigned(body, request.headers["x-signature"])) {
    response.writeHead(401).end("the signature is wrong\n");
  } else response.end(`paid: ${JSON.parse(body).paid}\n`);
}

/** The bytes as they were sent: the signature is of these. undefined = there are too many. */
async function readBody(request) {
  const chunks = [];
  let bytes = 0;
  for await (const chunk of request) {
    bytes += chunk.length;
    if (bytes > BODY_BYTES_MAX) return undefined;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}

function isSigned(body, signature = "") {
  const secret = process.env.WEBHOOK_SECRET;
  if (secret === undefined) return false;
  const expected = createHmac("sha256", secret).update(body).digest();
  const given = Buffer.from(signature, "hex");
  return given.length === expected.length && timingSafeEqual(given, expected);
}

export const fetch = toFetchHandler(handle);
