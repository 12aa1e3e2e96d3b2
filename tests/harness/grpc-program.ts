import { join } from "node:path";
import { leverProto } from "./grpc-peer.ts";

const module = (name: string): string =>
  JSON.stringify(join(import.meta.dirname, "../../node_modules", name));

/**
 * The source of a CommonJS program that serves the gRPC wire with plain @grpc/grpc-js, and shares no code with Lever.
 * `handlers` is the source of `HandleRPC(call, done)` and `HandleStreamingRPC(call)`, as members of an object. They may use
 * `method(call)`, `argumentsOf(call)`, `text(value)`, `grpc`, and what `setup` declares.
 */
export function grpcProgram(
  handlers: string,
  { setup = "", address = `"127.0.0.1:" + process.env.LEVEROS_LISTEN_PORT` } = {},
): string {
  return `
const grpc = require(${module("@grpc/grpc-js")});
const protobuf = require(${module("protobufjs")});
const root = protobuf.parse(${JSON.stringify(leverProto)}, { keepCase: true }).root;
const codec = (name) => { const type = root.lookupType("core." + name); return {
  serialize: (value) => Buffer.from(type.encode(type.fromObject(value)).finish()),
  deserialize: (bytes) => type.toObject(type.decode(bytes), { bytes: Buffer, oneofs: true }) }; };
const [rpc, reply, message] = ["RPC", "RPCReply", "StreamMessage"].map(codec);
const unary = { path: "/core.LeverRPC/HandleRPC", requestStream: false, responseStream: false,
  requestSerialize: rpc.serialize, requestDeserialize: rpc.deserialize, responseSerialize: reply.serialize, responseDeserialize: reply.deserialize };
const stream = { path: "/core.LeverRPC/HandleStreamingRPC", requestStream: true, responseStream: true,
  requestSerialize: message.serialize, requestDeserialize: message.deserialize, responseSerialize: message.serialize, responseDeserialize: message.deserialize };
const text = (value) => ({ json_string: String(value) });
const method = (call) => call.metadata.get("lever-url")[0].split("/").pop();
const argumentsOf = (call) => (call.request.args?.element ?? []).map((held) => held.json_string ?? held.json_number);
${setup}
const server = new grpc.Server({ "grpc.max_receive_message_length": -1, "grpc.max_send_message_length": -1 });
server.addService({ HandleRPC: unary, HandleStreamingRPC: stream }, {${handlers}});
server.bindAsync(${address}, grpc.ServerCredentials.createInsecure(), (error) => { if (error) throw error; });
`;
}
