/** The program of the witness: instances of the service `book` tell it what they do, a line of JSON each. */
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { WITNESS_PORT } from "./chaos-services.ts";
import type { WitnessReport } from "./machine-programs.ts";
import { WitnessBook, type WitnessRecord } from "./witness-book.ts";

const book = new WitnessBook();
const server = createServer((socket) => {
  socket.setNoDelay(true);
  socket.on("error", () => {});
  createInterface({ input: socket }).on("line", (line) => {
    socket.write(`${JSON.stringify(book.tell(JSON.parse(line) as WitnessRecord))}\n`);
  });
});
server.listen(WITNESS_PORT, () => process.send?.("ready"));
process.on("message", () => {
  const { records, violations } = book;
  process.send?.({ records, violations } satisfies WitnessReport);
});
// Nothing of a run outlives it.
process.on("disconnect", () => process.exit());
