export { type GrpcOptions, type GrpcRequest, serveGrpc } from "./grpc-call.ts";
