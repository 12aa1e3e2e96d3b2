import { join } from "node:path";
import type { KeyPairFiles } from "../../tests/harness/certificates.ts";
import { type Program, startProgram, untilPort } from "../peer.ts";

/** A server that is measured by a client in this process. */
export interface EchoServer extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  readonly pid: number;
}

/** A grpc-js server that does a service's work itself, on the wire that Lever speaks. */
export const startGrpcJs = (): Promise<EchoServer> => start("grpc-js-server.ts");

/** Takes uploads as a plain server of `node:http` does: see its program. */
export const startUploads = (): Promise<EchoServer> => start("upload-server.js");

/** A `ws` server that sends back what it gets. */
export const startWs = (): Promise<EchoServer> => start("ws-server.ts");

/** A room of plain `ws`, of server-sent events over `node:http`, or of grpc-js. */
export const startRoom = (protocol: "ws" | "sse" | "grpc"): Promise<EchoServer> =>
  start("room-server.ts", [protocol]);

/** Node's own HTTP/2 server doing the work itself, with `server.on("stream")`. With a key pair, over TLS. */
export const startNodeHttp2 = (pair?: KeyPairFiles): Promise<EchoServer> =>
  start("node-http2.js", filesOf(pair));

/** Node's own HTTPS server doing the work itself. */
export const startNodeHttps = (pair: KeyPairFiles): Promise<EchoServer> =>
  start("node-http.js", filesOf(pair));

const filesOf = (pair: KeyPairFiles | undefined): string[] =>
  pair === undefined ? [] : [pair.certFile, pair.keyFile];

async function start(file: string, args: readonly string[] = []): Promise<EchoServer> {
  const script = join(import.meta.dirname, "programs", file);
  const program: Program = startProgram(process.execPath, [script, ...args]);
  const port = await untilPort(program, "port ");
  return {
    address: `127.0.0.1:${port}`,
    pid: program.pid,
    [Symbol.asyncDispose]: () => program.stop(),
  };
}
