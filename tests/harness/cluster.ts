import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type RunningLever, startLever } from "./lever.ts";
import { TestPostgres } from "./postgres.ts";
import { type LeverRun, runLever } from "./run-lever.ts";

/** Hosts on this machine that are one Lever, over a PostgreSQL of their own. Each has a data folder that survives it. */
export interface TestCluster extends AsyncDisposable {
  readonly database: TestPostgres;
  /** The arguments of `lever up` that name the cluster. */
  readonly args: readonly string[];
  /** Starts a host, or starts it again with its data. */
  start(name: string, args?: readonly string[]): Promise<RunningLever>;
  /** Runs a `lever up` that is expected to refuse. Its data folder is that of the host with the name, or a new one. */
  refused(name: string, args: readonly string[]): Promise<LeverRun>;
  dataDir(name: string): string;
}

export async function startCluster(): Promise<TestCluster> {
  const folder = mkdtempSync(join(tmpdir(), "lever-cluster-"));
  // Users of services enter it.
  chmodSync(folder, 0o711);
  const keyFile = join(folder, "cluster.key");
  const database = await TestPostgres.start();
  writeFileSync(keyFile, (await runLever(["cluster", "key", "new"])).stdout, { mode: 0o600 });
  const url = database.url(await database.createDatabase());
  const args = ["--cluster", url, "--cluster-key", keyFile];
  const dataDir = (name: string): string => join(folder, name);
  return {
    database,
    args,
    dataDir,
    start: (name, more = []) =>
      startLever({ dataDir: dataDir(name), args: [...args, "--host-name", name, ...more] }),
    refused: (name, more) => {
      const common = ["--port", "0", "--isolation", "process", "--workers", "1"];
      return runLever(["up", ...common, "--data", dataDir(name), ...more]);
    },
    [Symbol.asyncDispose]: async () => {
      await database[Symbol.asyncDispose]();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}
