export { type ErrorCode, LeverError } from "@leveros/protocol";
export type { Callback } from "./callback.ts";
export { Client, type ClientOptions } from "./client.ts";
export type { RemoteResource, RemoteService } from "./remote-service.ts";
export { RemoteStream } from "./remote-stream.ts";
export type { ServiceStream } from "./service-stream.ts";
export type { MethodArguments, MethodName, MethodResult, ResourceArguments } from "./typed.ts";
export type { StreamName } from "./typed-streams.ts";
export type { Json, Wire } from "./wire.ts";
