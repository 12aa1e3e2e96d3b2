import { readFileSync } from "node:fs";
import { join } from "node:path";
import { leverProto } from "../harness/grpc-peer.ts";

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
async function* pushChunksChan(stream, count, bytes) { for (let i = 0; i < count; i++) yield Buffer.alloc(bytes, i % 251); }
async function foldChan(stream) {
  let bytes = 0;
  let crc = 0;
  for await (const chunk of stream) { bytes += chunk.length; crc = crc32(chunk, crc); }
  stream.write(Buffer.from(bytes + " " + crc));
}
async function afterEndChan(stream) {
  const sent = [];
  for await (const message of stream) sent.push(message);
  for (const message of ["ended", ...sent]) stream.write(message);
}
const leavings = {};
const leaving = (id) => leavings[id] ??= Promise.withResolvers();
function leaveChan(stream, id) { stream.on("error", () => leaving(id).resolve(true)); stream.write("here"); }
function hasLeft(id) { return leaving(id).promise; }
function closeChan(stream) { stream.write(1, () => stream.destroy()); }
async function* failEarlyChan() { throw { code: 7 }; }
async function* failLateChan() { yield 1; throw { code: 7 }; }
`;

const names = [...methods.matchAll(/^(?:async )?function\*? (\w+)/gm)].map(([, name]) => name);

type Files = Readonly<Record<string, string>>;

const here = import.meta.dirname;
const read = (path: string): string => readFileSync(join(here, path), "utf8");
const dependency = (name: string): string => JSON.stringify(join(here, "../../node_modules", name));

/** Everything that the conformance suite deploys, by name, with its lever.json apart. */
interface TestedService {
  readonly leverJson: object;
  readonly files: Files;
  /** The requirements of tests/harness/requirements.ts without which it does not start. */
  readonly needs?: readonly string[];
  /** It needs an instance with ports of its own. Default: false */
  readonly inContainer?: boolean;
}

export const services: Readonly<Record<string, TestedService>> = {
  "form-cjs": {
    leverJson: { jsEntry: "server.cjs" },
    files: {
      "server.cjs": `const { crc32 } = require("node:zlib");${methods}\nmodule.exports = { ${names.join(", ")} };`,
    },
  },
  "form-esm": {
    leverJson: { jsEntry: "server.mjs" },
    files: {
      "server.mjs": `import { crc32 } from "node:zlib";${methods}\nexport { ${names.join(", ")} };`,
    },
  },
  "form-ts": {
    leverJson: { jsEntry: "server.ts" },
    files: {
      "server.ts": `import { crc32 } from "node:zlib";${typed(methods)}\nexport { ${names.join(", ")} };\nexport type Nothing = null;`,
    },
  },
  "form-node": {
    leverJson: { entry: [process.execPath, "server.cjs"] },
    files: {
      "server.cjs": read("entry/server.cjs")
        .replace('"@grpc/grpc-js"', dependency("@grpc/grpc-js"))
        .replace('"protobufjs"', dependency("protobufjs")),
      "lever.proto": leverProto,
    },
  },
  "form-python": {
    needs: ["needs-python"],
    leverJson: { entry: ["/usr/bin/python3", "server.py"] },
    files: {
      "server.py": read("entry/server.py"),
      "lever_rpc.py": read("../../examples/hello-python/lever_rpc.py"),
    },
  },
  // As a program of Lever OS: it knows one port, and no variable of Lever.
  "form-3837": {
    needs: ["needs-python", "needs-containers"],
    inContainer: true,
    leverJson: { entry: ["/usr/bin/python3", "server.py"] },
    files: {
      "server.py": read("entry/server.py"),
      "lever_rpc.py": read("../../examples/hello-python/lever_rpc.py").replace(
        '"127.0.0.1:" + os.environ.get("LEVEROS_LISTEN_PORT", "3837")',
        '"0.0.0.0:3837"',
      ),
    },
  },
  private: {
    leverJson: { jsEntry: "server.cjs", private: true },
    files: {
      "server.cjs": `exports.inside = () => "in"; exports.insideChan = async (stream) => { stream.write("in"); };`,
    },
  },
  proxy: { leverJson: { jsEntry: "server.cjs" }, files: { "server.cjs": proxy() } },
};

function typed(source: string): string {
  return source.replaceAll("(stream", "(stream: any").replaceAll("(value", "(value: unknown");
}

/** A service that passes regular calls and streams on to another one, with the client that instances have. */
function proxy(): string {
  return `
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
}
