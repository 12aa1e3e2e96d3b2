import { mkdirSync, readFileSync, rmdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runTool } from "../../processes/run-tool.ts";

/** Where a container's service is mounted, below the sandbox folder. */
const SERVICE_DIR = "service";

/**
 * The two folders of one container. `dir` is what it sees at `/lever/sandbox`: mounts that the host adds to it propagate
 * into the running container. `bundle` holds its configuration for the container runtime.
 */
export class Sandbox {
  readonly dir: string;
  readonly bundle: string;
  readonly pidFile: string;
  readonly #service: string;
  #isMounted = false;

  /** `root`: folders of the host, for the two folders. */
  constructor(root: { readonly sandboxes: string; readonly bundles: string }, container: string) {
    this.dir = join(root.sandboxes, container);
    this.bundle = join(root.bundles, container);
    this.pidFile = join(this.bundle, "pid");
    this.#service = join(this.dir, SERVICE_DIR);
    for (const path of [this.dir, this.#service, this.bundle]) mkdirSync(path, { mode: 0o755 });
  }

  writeConfig(config: object): void {
    writeFileSync(join(this.bundle, "config.json"), JSON.stringify(config));
  }

  /** The pid of the container's first process; undefined until the container runtime has written it. */
  readPid(): number | undefined {
    try {
      return Number(readFileSync(this.pidFile, "utf8")) || undefined;
    } catch {
      return undefined;
    }
  }

  /** Shows the container the folder of a service. */
  async mountService(dir: string): Promise<void> {
    await runTool("mount", ["--rbind", dir, this.#service]);
    this.#isMounted = true;
  }

  async unmountService(): Promise<void> {
    if (!this.#isMounted) return;
    await runTool("umount", ["--lazy", "--recursive", this.#service], { priority: "low" });
  }

  remove(): void {
    rmSync(this.bundle, { recursive: true, force: true });
    // Never recursively: if unmounting failed, the code and data of a service are below.
    for (const path of [this.#service, this.dir]) rmdirSync(path);
  }
}

/** Where a container sees its service, given where it sees its sandbox folder. */
export function visiblePaths(sandbox: string): { codeDir: string; dataDir: string } {
  const service = `${sandbox}/${SERVICE_DIR}`;
  return { codeDir: `${service}/code`, dataDir: `${service}/data` };
}
