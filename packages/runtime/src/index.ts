export { CallServer } from "./call-server.ts";
export { listMethods } from "./list-methods.ts";
export type { ServiceStream } from "./service-stream.ts";
