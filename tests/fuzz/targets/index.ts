import type { FuzzTarget } from "../target.ts";
import { grpc } from "./grpc.ts";
import { http1 } from "./http1.ts";
import { http2 } from "./http2.ts";
import { tokens } from "./tokens.ts";
import { websocket } from "./websocket.ts";

/** Everything that reads what strangers send. */
export const targets: readonly FuzzTarget[] = [http1, http2, grpc, websocket, tokens];
