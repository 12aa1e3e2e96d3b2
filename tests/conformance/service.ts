/** One service in each form that modules have; what its methods do is the same everywhere. */

const methods = `
const later = (ms) => new Promise((done) => setTimeout(done, ms));
function echo(value) { return value; }
function count(...args) { return args.length; }
function byCallback(value, callback) { setTimeout(() => callback(null, value), 1); }
async function byPromise(value) { await later(1); return value; }
function nothing() {}
function date() { return new Date(0); }
function failText() { throw new Error("no"); }
async function failObject() { await later(1); throw { code: 42, why: [null] }; }
function failBytes(callback) { callback(Buffer.from([0, 255])); }
function never(callback) {}
async function echoChan(stream, ...args) {
  if (args.length > 0) stream.write(args);
  for await (const message of stream) stream.write(message);
}
async function* pushChan(stream, count) { for (let i = 0; i < count; i++) yield i; }
async function* pushBytesChan(stream, count) { for (let i = 0; i < count; i++) yield Buffer.alloc(1000, i); }
async function sumChan(stream) { let sum = 0; for await (const n of stream) sum += n; stream.write(sum); }
async function firstChan(stream) { for await (const first of stream) { stream.write(first); return; } }
async function* failEarlyChan() { throw { code: 7 }; }
async function* failLateChan() { yield 1; throw { code: 7 }; }
`;

const names = [...methods.matchAll(/^(?:async )?function\*? (\w+)/gm)].map(([, name]) => name);

/** The files of the service, by the form of its module. */
export const forms: Readonly<Record<"cjs" | "esm" | "ts", Readonly<Record<string, string>>>> = {
  cjs: { "server.cjs": `${methods}\nmodule.exports = { ${names.join(", ")} };` },
  esm: { "server.mjs": `${methods}\nexport { ${names.join(", ")} };` },
  ts: {
    "server.ts": `${methods.replaceAll("(stream", "(stream: any").replaceAll("(value", "(value: unknown")}\nexport { ${names.join(", ")} };\nexport type Nothing = null;`,
  },
};

/** A service that passes regular calls and streams on to another one, with the client that instances have. */
export const proxy = `
const { Client } = require("leveros");
const client = new Client();
exports.call = (service, method, args) => client.service("dev.lever", service).invoke(method, ...args);
exports.callBytes = (bytes) => client.service("dev.lever", "form-cjs").invoke("echo", bytes);
exports.passChan = async (stream, service, method, args) => {
  const remote = await client.service("dev.lever", service).invokeChan(method, ...args);
  const sending = (async () => {
    for await (const message of stream) if (!remote.write(message)) await remote.drained();
    remote.end();
  })();
  for await (const message of remote) if (!stream.write(message)) await new Promise((go) => stream.once("drain", go));
  void sending.catch(() => {});
};
`;
