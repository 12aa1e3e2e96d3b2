// The methods of the conformance suite, as a program on plain @grpc/grpc-js that shares no code with Lever.
const { once } = require("node:events");
const { readFileSync } = require("node:fs");
const { crc32 } = require("node:zlib");
const grpc = require("@grpc/grpc-js");
const protobuf = require("protobufjs");

const root = protobuf.parse(readFileSync("lever.proto", "utf8"), { keepCase: true }).root;
root.resolveAll();
const lookup = (name) => root.lookupType(`core.${name}`);
const codec = (name) => ({
  encode: (value) => Buffer.from(lookup(name).encode(lookup(name).fromObject(value)).finish()),
  decode: (bytes) => lookup(name).toObject(lookup(name).decode(bytes), { bytes: Buffer }),
});
const [rpc, reply, streamMessage] = ["RPC", "RPCReply", "StreamMessage"].map(codec);

function toMessage(value) {
  if (value === null || value === undefined) return {};
  if (typeof value === "string") return { json_string: value };
  if (typeof value === "number") return { json_number: value };
  if (typeof value === "boolean") return { json_bool: value };
  if (Array.isArray(value)) return { json_array: { element: value.map(toMessage) } };
  const property = Object.entries(value).map(([name, held]) => ({ name, value: toMessage(held) }));
  return { json_object: { property } };
}

function fromMessage(message = {}) {
  if ("json_array" in message) return (message.json_array.element ?? []).map(fromMessage);
  if ("json_object" in message) {
    const properties = message.json_object.property ?? [];
    return Object.fromEntries(properties.map(({ name = "", value }) => [name, fromMessage(value)]));
  }
  return message.json_string ?? message.json_number ?? message.json_bool ?? null;
}

const argumentsOf = ({ byte_args, args }) =>
  byte_args === undefined ? (args?.element ?? []).map(fromMessage) : [byte_args];
const filled = (value, name) =>
  Buffer.isBuffer(value) ? { [`byte_${name}`]: value } : { [name]: toMessage(value) };

class MethodError extends Error {
  constructor(value) {
    super("the method failed");
    this.value = value;
  }
}
const fail = (value) => {
  throw new MethodError(value);
};
const leavings = new Map();
function leaving(name) {
  if (!leavings.has(name)) leavings.set(name, Promise.withResolvers());
  return leavings.get(name);
}

const methods = {
  echo: (value) => value,
  count: (...args) => args.length,
  byCallback: (value) => value,
  byPromise: (value) => value,
  nothing: () => {},
  date: () => "1970-01-01T00:00:00.000Z",
  failText: () => fail("no"),
  failObject: () => fail({ code: 42, why: [null] }),
  failBytes: () => fail(Buffer.from([0, 255])),
  never: () => new Promise(() => {}),
  hasLeft: (name) => leaving(name).promise,
  async *echoChan(messages, ...args) {
    if (args.length > 0) yield args;
    yield* messages;
  },
  async *pushChan(_messages, count) {
    for (let i = 0; i < count; i++) yield i;
  },
  async *pushBytesChan(_messages, count) {
    for (let i = 0; i < count; i++) yield Buffer.alloc(1000, i);
  },
  async *pushChunksChan(_messages, count, bytes) {
    for (let i = 0; i < count; i++) yield Buffer.alloc(bytes, i % 251);
  },
  async *sumChan(messages) {
    let sum = 0;
    for await (const number of messages) sum += number;
    yield sum;
  },
  async *foldChan(messages) {
    let bytes = 0;
    let crc = 0;
    for await (const chunk of messages) {
      bytes += chunk.length;
      crc = crc32(chunk, crc);
    }
    yield Buffer.from(`${bytes} ${crc}`);
  },
  async *afterEndChan(messages) {
    const sent = [];
    for await (const message of messages) sent.push(message);
    yield "ended";
    yield* sent;
  },
  async *firstChan(messages) {
    for await (const message of messages) {
      yield message;
      return;
    }
  },
  async *leaveChan(messages, name) {
    messages.call.on("cancelled", () => leaving(name).resolve(true));
    yield "here";
    await leaving(name).promise;
  },
  failEarlyChan: () => fail({ code: 7 }),
  async *failLateChan() {
    yield 1;
    fail({ code: 7 });
  },
};

function find(call) {
  const name = call.metadata.get("lever-url")[0].split("/").pop();
  if (Object.hasOwn(methods, name)) return methods[name];
  throw Object.assign(new Error(`There is no method ${name}.`), {
    code: grpc.status.UNIMPLEMENTED,
    details: `There is no method ${name}.`,
  });
}

async function handle(call, done) {
  try {
    const method = find(call);
    done(null, filled(await method(...argumentsOf(call.request)), "result"));
  } catch (error) {
    if (error instanceof MethodError) done(null, filled(error.value, "error"));
    else done(error);
  }
}

async function handleStreaming(call) {
  const incoming = call[Symbol.asyncIterator]();
  const messages = {
    call,
    async *[Symbol.asyncIterator]() {
      for (let next = await incoming.next(); !next.done; next = await incoming.next()) {
        const { message, byte_message } = next.value;
        yield byte_message ?? fromMessage(message);
      }
    },
  };
  try {
    const method = find(call);
    call.write({});
    const { value } = await incoming.next();
    for await (const message of method(messages, ...argumentsOf(value.rpc))) {
      if (!call.write(filled(message, "message"))) await once(call, "drain");
    }
    call.end();
  } catch (error) {
    if (error instanceof MethodError) {
      call.write(filled(error.value, "error"));
      call.end();
    } else {
      call.emit("error", error);
    }
  }
}

const unlimited = { "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 };
const server = new grpc.Server(unlimited);
const path = (name) => `/core.LeverRPC/${name}`;
server.addService(
  {
    HandleRPC: {
      path: path("HandleRPC"),
      requestStream: false,
      responseStream: false,
      requestSerialize: rpc.encode,
      requestDeserialize: rpc.decode,
      responseSerialize: reply.encode,
      responseDeserialize: reply.decode,
    },
    HandleStreamingRPC: {
      path: path("HandleStreamingRPC"),
      requestStream: true,
      responseStream: true,
      requestSerialize: streamMessage.encode,
      requestDeserialize: streamMessage.decode,
      responseSerialize: streamMessage.encode,
      responseDeserialize: streamMessage.decode,
    },
  },
  { HandleRPC: handle, HandleStreamingRPC: handleStreaming },
);
const address = `127.0.0.1:${process.env.LEVEROS_LISTEN_PORT}`;
server.bindAsync(address, grpc.ServerCredentials.createInsecure(), (error) => {
  if (error) throw error;
});
