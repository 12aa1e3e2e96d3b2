// Takes uploads with nothing around: bytes through a pipe, lines by splitting and parsing each.
import { createServer } from "node:http";
import { Writable } from "node:stream";

/** Counts bytes. */
function countBytes(request, reply) {
  let bytes = 0;
  const counter = new Writable({
    write(chunk, _encoding, done) {
      bytes += chunk.length;
      done();
    },
  });
  request.pipe(counter).on("finish", () => reply(bytes));
}

/** Adds up a field of each line. */
async function addLines(request, reply) {
  let sum = 0;
  let rest = "";
  for await (const text of request.setEncoding("utf8")) {
    const lines = (rest + text).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line !== "") sum += JSON.parse(line).amount;
  }
  reply(sum);
}

const server = createServer((request, response) => {
  const take = request.url === "/bytes" ? countBytes : addLines;
  take(request, (result) => response.end(JSON.stringify(result)));
});
server.listen(0, "127.0.0.1", () => console.log(`port ${server.address().port}`));
