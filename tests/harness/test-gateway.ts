import {
  type Certificate,
  type GatewayLimits,
  openGateway,
  Readiness,
  Sites,
  systemClock,
  TokenIndex,
} from "@leveros/host/parts";
import {
  type CallHandle,
  type CallListener,
  type CallRequest,
  closedSide,
  defaultLimits,
  formatLeverUrl,
  LeverError,
  type LeverUrl,
  PAYLOAD_JSON,
  PAYLOAD_LINES,
} from "@leveros/protocol";
import { RawConnection } from "./raw-http.ts";

/** A gateway without a host behind it. Its calls are answered here. */
export interface TestGateway extends AsyncDisposable {
  readonly port: number;
  /** The open calls of methods whose names begin with `wait`, oldest first. */
  readonly waiting: OpenCall[];
  /** Every call that was not refused: its path, and its body as latin1. */
  readonly calls: string[];
  /** It is ready from the start. */
  readonly readiness: Readiness;
  /** None at the start. */
  readonly sites: Sites;
  /** Names of logged events. */
  readonly events: readonly string[];
  /** Closes it, once what is open has ended. */
  close(): Promise<void>;
  open(): RawConnection;
  /** Sends text over a new connection, and returns everything that comes until the gateway closes it. */
  raw(text: string): Promise<string>;
}

interface OpenCall {
  readonly request: CallRequest;
  readonly reply: CallListener;
  isAborted: boolean;
}

/**
 * Opens a gateway with the environment `dev.lever`, where `echo` returns its body, `echoChan` sends each message back, and
 * `wait…` is answered by the test. Every service exists, except `nobody`.
 */
export async function openTestGateway(
  limits: Partial<GatewayLimits> = {},
  certificate?: Certificate,
): Promise<TestGateway> {
  const waiting: OpenCall[] = [];
  const calls: string[] = [];
  const events: string[] = [];
  const readiness = new Readiness();
  const sites = new Sites();
  readiness.change({ phase: "running" });
  const environment = { corsOrigins: new Set(["*"]), kind: "services", isPublic: false } as const;
  const gateway = await openGateway({
    bind: "127.0.0.1",
    port: 0,
    router: {
      sites,
      environment: (name) => (name === "dev.lever" ? { access: environment } : undefined),
      refusal: ({ target }) => refusalOf(target),
      open(request, reply) {
        const refusal = refusalOf(request.target);
        if (refusal !== undefined) {
          reply.onAbort(refusal);
          return closedSide;
        }
        calls.push(
          `${formatLeverUrl(request.target)} ${Buffer.from(request.body).toString("latin1")}`,
        );
        return openCall(request, reply, waiting);
      },
    },
    access: new TokenIndex({ wallTime: Date.now, isLocalOnly: true }),
    limits: { ...defaultLimits, ...limits },
    readiness,
    certificate,
    clock: systemClock,
    log: (_level, _part, event) => events.push(event),
  });
  const { port } = gateway;
  return {
    port,
    waiting,
    calls,
    readiness,
    sites,
    events,
    close: () => gateway.close(),
    open: () => new RawConnection(port),
    async raw(text) {
      const connection = new RawConnection(port);
      connection.send(text);
      await connection.closed;
      return connection.received;
    },
    async [Symbol.asyncDispose]() {
      gateway.destroyConnections();
      await gateway.close();
    },
  };
}

function refusalOf({ environment, service }: LeverUrl): LeverError | undefined {
  if (environment === "dev.lever" && service !== "nobody") return undefined;
  return new LeverError("unknown_service", `There is no service ${service}.`);
}

function openCall(request: CallRequest, reply: CallListener, waiting: OpenCall[]): CallHandle {
  const { method } = request.target;
  if (method.startsWith("wait")) {
    const call: OpenCall = { request, reply, isAborted: false };
    waiting.push(call);
    return {
      ...closedSide,
      abort() {
        call.isAborted = true;
      },
    };
  }
  if (request.isStream) reply.onMessage(request.kind, request.body);
  else {
    queueMicrotask(() => {
      reply.onMessage(request.kind, request.body);
      reply.onEnd();
    });
  }
  return {
    ...closedSide,
    send(kind, bytes) {
      if (kind !== PAYLOAD_LINES) reply.onMessage(kind, bytes);
      else {
        const lines = Buffer.from(bytes).toString().split("\n").filter(Boolean);
        for (const line of lines) reply.onMessage(PAYLOAD_JSON, Buffer.from(line));
      }
      return true;
    },
    end: () => reply.onEnd(),
  };
}
