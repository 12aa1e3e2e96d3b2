export { type GrpcOptions, readMessages, serveGrpc } from "./grpc-call.ts";
export { GrpcResponse } from "./grpc-response.ts";
export { errorTrailers, okTrailers } from "./status.ts";
