export { type GrpcOptions, serveGrpc } from "./grpc-call.ts";
