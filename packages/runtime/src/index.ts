export { CallServer } from "./call-server.ts";
export { listMethods } from "./list-methods.ts";
export { serveStream } from "./serve-stream.ts";
export type { ServiceStream } from "./service-stream.ts";
