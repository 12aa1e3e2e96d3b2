import { testService } from "../harness/test-service.ts";

export const WITNESS_PORT = 7_000;

/** Each resource is a counter, which its owner keeps in memory and writes to the witness with its epoch. */
const BOOK = `
const net = require("node:net");
const { callContext } = require("leveros");
const addresses = Object.values(require("node:os").networkInterfaces()).flat().map(({ address }) => address);
const cable = addresses.find((address) => address.startsWith("198.19."));
const socket = net.connect({ port: ${WITNESS_PORT}, host: cable.replace(/\\d+$/, "2"), noDelay: true });
socket.on("error", () => {});
const waiting = [];
require("node:readline").createInterface({ input: socket }).on("line", (line) => waiting.shift()(JSON.parse(line)));
const instance = process.env.LEVEROS_INSTANCE_ID + "/" + process.pid;
const tell = (what, resource, epoch, n) => new Promise((resolve, reject) => {
  waiting.push((answer) => "refused" in answer ? reject(new Error(answer.refused)) : resolve(answer.n));
  socket.write(JSON.stringify({ what, resource, epoch, instance, n }) + "\\n");
});
const held = new Map();
exports.newResource = async (resource) => {
  const { epoch } = callContext();
  held.set(resource, { epoch, n: await tell("open", resource, epoch), last: Promise.resolve() });
};
exports.closeResource = async (resource) => {
  const { epoch } = held.get(resource);
  held.delete(resource);
  await tell("close", resource, epoch);
};
exports.add = (resource) => {
  const mine = held.get(resource);
  if (mine === undefined) throw new Error("This instance does not have " + resource + ".");
  const increment = async () => {
    await tell("use", resource, mine.epoch);
    await new Promise((done) => setTimeout(done, Math.random() * 5));
    mine.n = await tell("put", resource, mine.epoch, mine.n + 1);
    return mine.n;
  };
  mine.last = mine.last.then(increment, increment);
  return mine.last;
};
`;

const answering = (answer: unknown): string =>
  `exports.answer = () => ${JSON.stringify(answer)}; exports.variable = (name) => process.env[name] ?? null;`;

export const book: Buffer = testService(BOOK, { name: "book", minInstances: 1 });
export const plain: Buffer = testService(answering("plain"), { name: "plain", minInstances: 1 });
/** Gets variables. */
export const configured: Buffer = testService(answering("configured"), { name: "configured" });
/** Gets new versions, each with an answer of its own. */
export const changing = (number: number): Buffer =>
  testService(answering(number), { name: "changing" });
