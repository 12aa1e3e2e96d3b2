import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { httpCall } from "../../tests/harness/http-call.ts";
import {
  freePort,
  installedPath,
  type Peer,
  programPath,
  type RunningPeer,
  startNode,
  startProgram,
  untilServing,
} from "../peer.ts";

const binary = installedPath(
  `@restatedev/restate-server-${process.platform}-${process.arch}/bin/restate-server`,
);

/** Restate's server with a service of its Node SDK. It keeps every call durably, which none of the others do. */
export const restate: Peer = {
  name: "restate-server",
  async start() {
    const [port, admin, node, sdk] = [
      await freePort(),
      await freePort(),
      await freePort(),
      await freePort(),
    ];
    const folder = mkdtempSync(join(tmpdir(), "lever-bench-"));
    const args = ["--base-dir", folder, "--no-logo", "--log-filter", "warn"].concat(
      ["--listen-mode", "tcp", "--bind-address", `127.0.0.1:${node}`],
      ["--advertised-address", `http://127.0.0.1:${node}`],
    );
    const server = startProgram(binary, args, {
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${port}`,
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_DISABLE_TELEMETRY: "true",
      DO_NOT_TRACK: "1",
      TMPDIR: folder, // It leaves files there.
    });
    const service = startNode(programPath("restate.js"), [], {
      PORT: `${sdk}`,
      RESTATE_LOGGING: "ERROR",
    });
    const remove = (): void => rmSync(folder, { recursive: true, force: true });
    try {
      await Promise.race([register(admin, sdk), server.ended, service.ended]);
      const peer = await untilServing({ port, path: "/work/" }, { server, service });
      const stop = async (): Promise<void> => {
        await peer.stop();
        remove();
      };
      return { ...peer, stop, [Symbol.asyncDispose]: stop } satisfies RunningPeer;
    } catch (error) {
      await Promise.all([server.stop(), service.stop()]);
      remove();
      throw error;
    }
  },
};

const REGISTER_MS = 30_000;

/** Registers the service at the server, as soon as the server listens. */
async function register(admin: number, sdk: number): Promise<void> {
  const until = performance.now() + REGISTER_MS;
  let last = "";
  while (performance.now() < until) {
    try {
      const { status, text } = await httpCall(`127.0.0.1:${admin}`, "/deployments", {
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ uri: `http://127.0.0.1:${sdk}` }),
      });
      if (status < 300) return;
      last = text;
    } catch (error) {
      last = String(error);
    }
    await delay(50);
  }
  throw new Error(`Cannot register the service with restate-server: ${last}`);
}
