export { CallServer } from "./call-server.ts";
export { listMethods } from "./load-service.ts";
export type { ServiceStream } from "./service-stream.ts";
