import type { Limits } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import { type Gateway, openGateway } from "../gateway/gateway.ts";
import { gatewayLimits } from "../gateway/gateway-limits.ts";
import type { Listener } from "../gateway/listener.ts";
import type { Readiness } from "../gateway/platform/readiness.ts";
import type { Certificate } from "../gateway/tls/certificate.ts";
import type { Log } from "../logs/log.ts";
import type { NamedCounts } from "../metrics/gateway-meter.ts";
import { GatewayWorkers } from "../workers/workers.ts";
import type { HostParts } from "./host-parts.ts";

export interface FrontOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly isLocalOnly: boolean;
  /** Processes that take connections; 1 = the host itself. */
  readonly workers: number;
  readonly certificate: Certificate | undefined;
  /** Host names that the console may have, in lower case. */
  readonly consoleHosts: readonly string[];
  readonly limits: Limits;
  readonly readiness: Readiness;
  readonly clock: Clock;
  readonly log: Log;
}

/** The host's side to the network: a gateway in this process, or one in each worker. */
export interface Front {
  /** @throws the system's error when the port is not available. */
  open(): Promise<Listener>;
  /** The counts of the gateways, by the name of their process. */
  gateways(): readonly NamedCounts[];
  /** Resolves when changes of environments, services and tokens hold in every process that takes calls. */
  propagated(): Promise<void>;
}

/** Follows changes of environments, services and tokens from now on. */
export function createFront(options: FrontOptions, parts: HostParts): Front {
  const { workers, isLocalOnly, ...shared } = options;
  const { router, tokens, records, meters } = parts;
  if (workers <= 1) {
    let gateway: Gateway | undefined;
    return {
      async open() {
        gateway = await openGateway({
          ...shared,
          limits: gatewayLimits(shared.limits),
          router,
          access: tokens.index,
        });
        return gateway;
      },
      gateways: () => (gateway === undefined ? [] : [["host", gateway.counts()]]),
      propagated: async () => {},
    };
  }
  const processes = new GatewayWorkers({
    ...shared,
    workers,
    isLocalOnly,
    router,
    tokens,
    records,
    meters,
  });
  return {
    async open() {
      await processes.open();
      return processes;
    },
    gateways: () =>
      processes.counts().map((counts, index) => [`worker-${index + 1}`, counts] as const),
    propagated: async () => await processes.propagated(),
  };
}
