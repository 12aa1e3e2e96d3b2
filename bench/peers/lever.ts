import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { listInstances } from "../../tests/harness/admin.ts";
import type { KeyPairFiles } from "../../tests/harness/certificates.ts";
import { type RunningLever, startLever } from "../../tests/harness/lever.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { greet, type Peer, type RunningPeer } from "../peer.ts";
import { startHost } from "../scenario.ts";

export const work = `
exports.sayHello = (name) => "Hello, " + name + "!";
exports.lengthOf = (text) => text.length;
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
`;
const front = `
const { Client } = require("leveros");
const back = new Client().service("dev.lever", "work");
exports.sayHello = (name) => back.invoke("sayHello", name);
`;

/** One instance of each service, so that as many processes do the work here as elsewhere. */
const fields = { minInstances: 1, maxInstances: 1, maxInstanceLoad: 1_000 };

/** A Lever host whose service `work` does the work; `front` calls it. */
const leverAt = (
  name: string,
  isolation: "process" | "oci",
  service: "work" | "front",
  limits: Readonly<Record<string, number>> = {},
): Peer => ({
  name,
  async start() {
    const lever = await startHost(limits, { isolation });
    try {
      await deployService(lever, testService(work, { name: "work", ...fields }));
      if (service === "front") {
        await deployService(lever, testService(front, { name: "front", ...fields }));
      }
      const peer = await runningAt(lever, service);
      const greeting = await greet(peer);
      if (greeting !== "Hello, world!") throw new Error(`Cannot call ${service}: ${greeting}`);
      return peer;
    } catch (error) {
      await lever.stop();
      throw error;
    }
  },
});

async function runningAt(lever: RunningLever, service: string): Promise<RunningPeer> {
  const { instances } = await listInstances(lever);
  const stop = async (): Promise<void> => {
    await lever.stop();
  };
  return {
    port: Number(lever.address.split(":")[1]),
    processes: new Map([
      ["host", lever.pid],
      ...instances.map(({ service: of, pid }) => [`instance of ${of}`, pid] as const),
    ]),
    path: `/${service}/`,
    host: "dev.lever",
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

export const lever: Peer = leverAt("Lever", "process", "work");
export const leverOci: Peer = leverAt("Lever, oci", "oci", "work");
/** A host with limits other than the defaults. */
export const leverWith = (name: string, limits: Readonly<Record<string, number>>): Peer =>
  leverAt(name, "process", "work", limits);
export const leverFront: Peer = leverAt("Lever", "process", "front");
export const leverFrontOci: Peer = leverAt("Lever, oci", "oci", "front");

/** A host with a certificate, whose service `work` was deployed before the host had it. */
export async function startLeverTls(pair: KeyPairFiles): Promise<RunningLever> {
  const dataDir = mkdtempSync(join(tmpdir(), "lever-bench-"));
  const removeDataDir = (): void => rmSync(dataDir, { recursive: true, force: true });
  try {
    {
      await using before = await startHost({}, { dataDir });
      await deployService(before, testService(work, { name: "work", ...fields }));
    }
    const args = ["--tls-cert", pair.certFile, "--tls-key", pair.keyFile];
    const lever = await startLever({ dataDir, args });
    const stop = async (): Promise<number> => {
      const status = await lever.stop();
      removeDataDir();
      return status;
    };
    const dispose = async (): Promise<void> => void (await stop());
    return { ...lever, stop, [Symbol.asyncDispose]: dispose };
  } catch (error) {
    removeDataDir();
    throw error;
  }
}
