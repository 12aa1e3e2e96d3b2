import { once } from "node:events";
import { eventually } from "./eventually.ts";
import { type LeverRun, runLever, spawnLever } from "./run-lever.ts";

/** A `lever dev` of its own, on a port of its own. */
export interface RunningDev extends AsyncDisposable {
  /** `127.0.0.1:port` */
  readonly address: string;
  /** Everything that it has printed so far. */
  output(): string;
  /** Waits until it has printed this after the first `from` characters. @throws Error when it ends before that. */
  prints(wanted: string | RegExp, from?: number): Promise<void>;
  /** Runs a lever command against its host. */
  lever(args: readonly string[]): Promise<LeverRun>;
}

/** Starts `lever dev` in a folder. Its services may not be deployed yet. */
export async function startDev(dir: string, args: readonly string[] = []): Promise<RunningDev> {
  const child = spawnLever(["dev", dir, "--port", "0", ...args]);
  let output = "";
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr]) {
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
    });
  }
  const closed = once(child, "close").then(() => {
    hasEnded = true;
  });
  const prints = async (wanted: string | RegExp, from = 0): Promise<void> => {
    await eventually(() => {
      const text = output.slice(from);
      if (typeof wanted === "string" ? text.includes(wanted) : wanted.test(text)) return true;
      if (hasEnded) throw new Error(`lever dev has ended without printing ${wanted}:\n${output}`);
      return false;
    });
  };
  await prints(/^Lever is up at http:.+$/m).catch((error: unknown) => {
    child.kill("SIGTERM");
    throw error;
  });
  const [, address = ""] = /^Lever is up at http:\/\/(.+)$/m.exec(output) ?? [];
  return {
    address,
    output: () => output,
    prints,
    lever: (words) => runLever(words, { env: { LEVEROS_IP_PORT: address } }),
    [Symbol.asyncDispose]: async () => {
      child.kill("SIGTERM");
      await closed;
    },
  };
}
