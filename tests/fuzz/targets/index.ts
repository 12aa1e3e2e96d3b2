import type { FuzzTarget } from "../target.ts";
import { archives } from "./archives.ts";
import { callerLink } from "./caller-link.ts";
import { grpc } from "./grpc.ts";
import { hostNames } from "./host-names.ts";
import { http1 } from "./http1.ts";
import { http1Readers } from "./http1-readers.ts";
import { http2 } from "./http2.ts";
import { leverJson } from "./lever-json.ts";
import { link } from "./link.ts";
import { programAnswers } from "./program-answers.ts";
import { tokens } from "./tokens.ts";
import { websocket } from "./websocket.ts";

/** Targets that start a host and send it inputs over connections. */
export const hostTargets: readonly FuzzTarget[] = [
  http1,
  http2,
  grpc,
  websocket,
  callerLink,
  tokens,
];

/** Parts of Lever, in this process. */
export const partTargets: readonly FuzzTarget[] = [
  http1Readers,
  link,
  archives,
  leverJson,
  programAnswers,
  hostNames,
];
