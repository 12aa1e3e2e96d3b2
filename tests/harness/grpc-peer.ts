import * as grpc from "@grpc/grpc-js";
import protobuf from "protobufjs";

/** The gRPC wire as its specification's tables give it: what a stranger would write down. */
export const leverProto = `
  syntax = "proto3";
  package core;
  service LeverRPC {
    rpc HandleRPC (RPC) returns (RPCReply);
    rpc HandleStreamingRPC (stream StreamMessage) returns (stream StreamMessage);
  }
  message RPC { oneof args_oneof { JSONArray args = 1; bytes byte_args = 2; } }
  message RPCReply { oneof result_oneof { JSON result = 1; bytes byte_result = 2; JSON error = 3; bytes byte_error = 4; } }
  message StreamMessage { oneof message_oneof { RPC rpc = 1; JSON message = 2; bytes byte_message = 3; JSON error = 4; bytes byte_error = 5; } }
  message JSON { oneof json_value_oneof { string json_string = 1; double json_number = 2; bool json_bool = 3; JSONObject json_object = 4; JSONArray json_array = 5; } }
  message JSONObject { repeated JSONProperty property = 1; }
  message JSONArray { repeated JSON element = 1; }
  message JSONProperty { string name = 1; JSON value = 2; }
`;

const root = protobuf.parse(leverProto, { keepCase: true }).root;
const codec = (name: string) => {
  const type = root.lookupType(`core.${name}`);
  return {
    serialize: (value: object): Buffer => Buffer.from(type.encode(type.fromObject(value)).finish()),
    deserialize: (bytes: Buffer): Record<string, unknown> =>
      type.toObject(type.decode(bytes), { bytes: Buffer }) as Record<string, unknown>,
  };
};

const rpc = codec("RPC");
const reply = codec("RPCReply");
const streamMessage = codec("StreamMessage");

/** Each message of the wire, from and to bytes. */
export const leverMessages = { rpc, reply, streamMessage };

/** A value as a JSON message's object. */
export function toJsonMessage(value: unknown): object {
  if (value === null || value === undefined) return {};
  if (typeof value === "string") return { json_string: value };
  if (typeof value === "number") return { json_number: value };
  if (typeof value === "boolean") return { json_bool: value };
  if (Array.isArray(value)) return { json_array: { element: value.map(toJsonMessage) } };
  const property = Object.entries(value).map(([name, held]) => ({
    name,
    value: toJsonMessage(held),
  }));
  return { json_object: { property } };
}

/** The value of a JSON message's object. */
export function fromJsonMessage(message: unknown): unknown {
  const held = (message ?? {}) as Record<string, never>;
  if ("json_string" in held) return held["json_string"];
  if ("json_number" in held) return held["json_number"];
  if ("json_bool" in held) return held["json_bool"];
  if ("json_array" in held) {
    const { element = [] } = held["json_array"] as { element?: unknown[] };
    return element.map(fromJsonMessage);
  }
  if ("json_object" in held) {
    const { property = [] } = held["json_object"] as {
      property?: { name?: string; value?: unknown }[];
    };
    return Object.fromEntries(
      property.map(({ name = "", value }) => [name, fromJsonMessage(value)]),
    );
  }
  return null;
}

/** The arguments of a call as an RPC message's object. */
export function toRpc(args: readonly unknown[]): object {
  const [only] = args;
  if (args.length === 1 && only instanceof Uint8Array) return { byte_args: only };
  return { args: { element: args.map(toJsonMessage) } };
}

export interface GrpcPeer {
  /** Resolves with an RPCReply's object; rejects with grpc-js's ServiceError. */
  unary(url: string, message: object, options?: grpc.CallOptions): Promise<Record<string, unknown>>;
  stream(
    url: string,
    options?: grpc.CallOptions,
  ): grpc.ClientDuplexStream<object, Record<string, unknown>>;
  close(): void;
}

/**
 * A client of the gRPC wire that shares no code with Lever. With an `authority` to trust (PEM) it uses TLS. It may
 * send further metadata, and name another host than the one it connects to.
 */
export function grpcPeer(
  address: string,
  options: {
    authority?: Buffer;
    metadata?: Readonly<Record<string, string>>;
    hostName?: string;
    channel?: grpc.ChannelOptions;
  } = {},
): GrpcPeer {
  const { authority } = options;
  const credentials =
    authority === undefined
      ? grpc.credentials.createInsecure()
      : grpc.credentials.createSsl(authority);
  const client = new grpc.Client(address, credentials, {
    "grpc.max_receive_message_length": -1,
    "grpc.max_send_message_length": -1,
    ...(options.hostName !== undefined && { "grpc.default_authority": options.hostName }),
    ...options.channel,
  });
  const metadata = (url: string): grpc.Metadata => {
    const held = new grpc.Metadata();
    held.set("lever-url", url);
    for (const [name, value] of Object.entries(options.metadata ?? {})) held.set(name, value);
    return held;
  };
  return {
    unary: (url, message, options = {}) =>
      new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          "/core.LeverRPC/HandleRPC",
          rpc.serialize,
          reply.deserialize,
          message,
          metadata(url),
          options,
          (error, value) => (error === null ? resolve(value ?? {}) : reject(error)),
        );
      }),
    stream: (url, options = {}) =>
      client.makeBidiStreamRequest(
        "/core.LeverRPC/HandleStreamingRPC",
        streamMessage.serialize,
        streamMessage.deserialize,
        metadata(url),
        options,
      ),
    close: () => client.close(),
  };
}
