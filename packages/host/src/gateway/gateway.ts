import type { Socket } from "node:net";
import { isLinkUpgrade } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { Log } from "../logs/log.ts";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";
import type { CallRouter } from "../router/call.ts";
import { Admission, type TokenIndex } from "./admission/admit-call.ts";
import { BodyBudget } from "./body-budget.ts";
import { ClientLinks } from "./client-link/door.ts";
import type { DoorOptions } from "./door-options.ts";
import type { GatewayLimits } from "./gateway-limits.ts";
import { FastConnections } from "./http/fast/door.ts";
import { createHttp1 } from "./http/server.ts";
import { Http2Connections } from "./http2/door.ts";
import { type Listener, listen } from "./listener.ts";
import { LostPeers } from "./lost-peers.ts";
import type { Readiness } from "./platform/readiness.ts";
import { FileCache } from "./sites/files/file-cache.ts";
import { type Certificate, watchCertificate } from "./tls/certificate.ts";
import { FurtherCertificates } from "./tls/further-certificates.ts";
import { createTls, refuseCleartext, replaceCertificate } from "./tls/tls.ts";
import { UnreadReplies } from "./unread-replies.ts";
import { webSocketUpgrade } from "./websocket/door.ts";

export interface GatewayOptions {
  readonly bind: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly router: CallRouter;
  readonly access: TokenIndex;
  readonly limits: GatewayLimits;
  /** While the host stops, the gateway accepts connections, and each of its answers is the last one of its connection. */
  readonly readiness: Readiness;
  /** With it, everything goes over TLS. Its files are watched. */
  readonly certificate: Certificate | undefined;
  /** Host names that the console may have, in lower case. Default: none. */
  readonly consoleHosts?: readonly string[];
  /** Other processes listen on the same port; each resumes TLS sessions of the others with these keys. */
  readonly shared?: { readonly ticketKeys: Buffer };
  readonly clock: Clock;
  readonly log: Log;
}

export interface Gateway extends Listener {
  /** Its counts so far, apart from the time of its process. */
  counts(): GatewayCounts;
}

/** Opens the port for all calls from outside. @throws the system's error when the port is not available. */
export async function openGateway(options: GatewayOptions): Promise<Gateway> {
  const { router, limits, readiness, certificate, shared, clock, log } = options;
  const connections = new Set<Socket>();
  const replies = new UnreadReplies({ connections, limits, clock, log });
  const peers = new LostPeers({ connections, clock, pingIntervalMs: limits.pingIntervalMs });
  const admission = new Admission(options);
  const budget = new BodyBudget(limits.bufferedBodyBytesMax);
  const files = new FileCache();
  router.sites.changed.add(() => files.clear());
  const doorOptions: DoorOptions = {
    admission,
    router,
    limits,
    budget,
    replies,
    files,
    readiness,
    isSecure: certificate !== undefined,
    closing: readiness.stopping,
    clock,
    log,
  };
  const links = new ClientLinks(doorOptions);
  const openWebSocket = webSocketUpgrade(doorOptions);
  const http1 = createHttp1(doorOptions, (request, socket, head) => {
    if (isLinkUpgrade(request.headers.upgrade)) links.open(request, socket, head);
    else openWebSocket(request, socket, head);
  });
  const further =
    certificate?.further && new FurtherCertificates(certificate.further, { clock, log });
  await further?.open();
  const tls =
    certificate &&
    createTls(certificate, {
      handshakeTimeoutMs: limits.headersTimeoutMs,
      ticketKeys: shared?.ticketKeys,
      further,
    });
  const listener = await listen(
    {
      http1,
      http2: new Http2Connections(doorOptions),
      links: links.connections,
      tls,
      openFast: (handOver) => new FastConnections(doorOptions, handOver),
    },
    {
      bind: options.bind,
      port: options.port,
      isShared: shared !== undefined,
      headersTimeoutMs: limits.headersTimeoutMs,
      pingIntervalMs: limits.pingIntervalMs,
      connectionsMax: limits.connectionsMax,
      sockets: connections,
      refuseCleartext: (socket) => refuseCleartext(socket, limits.headersTimeoutMs),
      clock,
      log,
    },
  ).catch((error: unknown) => {
    // Their timers would keep the process alive.
    replies.close();
    peers.close();
    further?.close();
    throw error;
  });
  const stopWatching =
    tls &&
    certificate &&
    watchCertificate(certificate, {
      clock,
      log,
      onReplaced: (replaced) => replaceCertificate(tls, replaced),
    });
  return {
    ...listener,
    counts() {
      const { requests, refusals } = admission.meter;
      return { connections: connections.size, bodyBytes: budget.bytes, requests, refusals };
    },
    close() {
      stopWatching?.();
      further?.close();
      readiness.change({ phase: "stopping" });
      links.close();
      return listener.close();
    },
    destroyConnections() {
      replies.close();
      peers.close();
      listener.destroyConnections();
    },
  };
}
