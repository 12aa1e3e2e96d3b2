import type { RegularCase, StreamCase } from "./cases.ts";
import { anotherService, commandLine, nodeClient } from "./clients.ts";
import { grpcTransport, nestsTooDeep } from "./grpc.ts";
import { httpTransports } from "./http.ts";
import { chromium } from "./page.ts";
import type { Transport } from "./transport.ts";
import { webSocketTransports } from "./websocket.ts";

/** Every way to call, and the service that it calls: one row of the matrix each. */
export interface Column extends Transport {
  readonly service: string;
}

/** The Node client, calling a service of another form. */
const form = (name: string, service: string, options: Partial<Transport> = {}): Column => ({
  ...nodeClient,
  ...options,
  name,
  service,
});

const entryCannot = (of: RegularCase | StreamCase): string | undefined => {
  if (of.nestsDeep === true) return nestsTooDeep;
  return of.method === "closeChan" ? "only a module has the stream as an object" : undefined;
};

export const columns: readonly Column[] = [
  ...[
    ...httpTransports,
    ...webSocketTransports,
    grpcTransport,
    nodeClient,
    chromium,
    commandLine,
    anotherService,
  ].map((transport) => ({ ...transport, service: "form-cjs" })),
  form("ES module", "form-esm"),
  form("TypeScript", "form-ts"),
  form("Node entry", "form-node", { cannot: entryCannot }),
  form("Python entry", "form-python", { cannot: entryCannot, tags: ["needs-python"] }),
  form("entry on port 3837", "form-3837", {
    cannot: entryCannot,
    tags: ["needs-python", "needs-containers"],
  }),
];
