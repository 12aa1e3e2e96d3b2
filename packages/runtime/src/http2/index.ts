export {
  CANCEL,
  INTERNAL_ERROR,
  NO_ERROR,
  PREFACE,
} from "./frame.ts";
export { encodeField, encodeFields } from "./header-block.ts";
export type { RequestHead } from "./request-head.ts";
export { ServerConnection, type ServerOptions } from "./server-connection.ts";
export type { ServerStream, StreamListener } from "./server-stream.ts";
