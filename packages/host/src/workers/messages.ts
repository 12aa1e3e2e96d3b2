import type { Link } from "@leveros/protocol";
import type { GatewayLimits } from "../gateway/gateway-limits.ts";
import type { HostState } from "../gateway/platform/readiness.ts";
import type { TlsFiles } from "../gateway/tls/certificate.ts";
import type { Part } from "../logs/parts.ts";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";
import type { LiveVersion } from "../router/live-version.ts";
import type { SiteRoute } from "../router/site-routes.ts";
import type { TokenRecord } from "../store/store.ts";

/** The first message to a worker. */
export interface WorkerSetup {
  /** An address, not a name, which might not lead everyone to the same. */
  readonly bind: string;
  /** Its own share of those that are counted. */
  readonly limits: GatewayLimits;
  readonly isLocalOnly: boolean;
  readonly consoleHosts: readonly string[];
  readonly certificate:
    | (TlsFiles & {
        /** The contents of the files when the host started, PEM. */
        readonly cert: string;
        readonly key: string;
      })
    | undefined;
  /** Base64. */
  readonly ticketKeys: string;
  /** See `setCallRun`. */
  readonly callRun: number;
}

/** A message from the host to a worker. Messages arrive in order: a pong means that all before its ping were read. */
export type WorkerCommand =
  /** First. The worker refuses another link version than its own with `failed`. */
  | { readonly type: "setup"; readonly linkVersion: number; readonly setup: WorkerSetup }
  | {
      readonly type: "environment";
      readonly name: string;
      /** undefined = there is no such environment any more. */
      readonly access?: {
        readonly corsOrigins: readonly string[];
        readonly kind: "services" | "platform";
        readonly isPublic: boolean;
      };
    }
  /** Without a live version, the service was removed. */
  | {
      readonly type: "service";
      readonly environment: string;
      readonly service: string;
      readonly live?: LiveVersion | undefined;
    }
  | { readonly type: "route"; readonly route: SiteRoute; readonly isKnown: boolean }
  | { readonly type: "token"; readonly record: TokenRecord; readonly isKnown: boolean }
  | { readonly type: "state"; readonly state: HostState }
  | { readonly type: "listen"; readonly port: number }
  | { readonly type: "close" }
  /** A chunk of the text of a message that is too long for a frame. */
  | { readonly type: "chunk"; readonly text: string; readonly isLast: boolean };

/** A message from a worker to the host. */
export type WorkerEvent =
  | { readonly type: "started" }
  | { readonly type: "listening" }
  /** It cannot listen, and leaves. */
  | { readonly type: "failed"; readonly reason: string; readonly code: string | undefined }
  | { readonly type: "counts"; readonly counts: GatewayCounts }
  | {
      readonly type: "log";
      readonly level: "debug" | "info" | "warn" | "error";
      readonly part: Part;
      readonly event: string;
      readonly fields: object | undefined;
    };

/** In UTF-16 units, of which JSON within JSON makes six bytes each at the most. */
const CHUNK_LENGTH = 16 * 1024;

/** Tells a worker something of any length, such as a token for a thousand environments. */
export function sendToWorker(link: Pick<Link, "control">, message: WorkerCommand): void {
  const text = JSON.stringify(message);
  if (text.length <= CHUNK_LENGTH) {
    link.control(message);
    return;
  }
  for (let at = 0; at < text.length; at += CHUNK_LENGTH) {
    const end = at + CHUNK_LENGTH;
    const chunk = { type: "chunk", text: text.slice(at, end), isLast: end >= text.length } as const;
    link.control(chunk satisfies WorkerCommand);
  }
}
