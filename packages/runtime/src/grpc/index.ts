export { type GrpcOptions, serveGrpc } from "./grpc-call.ts";
export { GrpcResponse } from "./grpc-response.ts";
export { readMessages } from "./message-stream.ts";
export { errorTrailers, okTrailers } from "./status.ts";
