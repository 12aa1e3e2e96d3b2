import { dirname, join } from "node:path";
import { mustRun } from "./run-program.ts";

/** Programs that run JavaScript, as the registry has them: the package of this system, its version, and its file. */
const engines = {
  "Node 20": { name: `node-linux-${process.arch}`, version: "20.20.0", file: "bin/node" },
  "Node 22": { name: `node-linux-${process.arch}`, version: "22.23.5", file: "bin/node" },
  "Node 24": { name: `node-linux-${process.arch}`, version: "24.21.0", file: "bin/node" },
  Bun: {
    name: `@oven/bun-linux-${process.arch === "arm64" ? "aarch64" : process.arch}`,
    version: "1.4.5",
    file: "bin/bun",
  },
  Deno: { name: `@deno/linux-${process.arch}-glibc`, version: "2.9.6", file: "deno" },
} as const;

export type Engine = keyof typeof engines;
/** It runs on each version of Node here, unlike the one that comes with a version. */
const NPM_VERSION = "11.21.2";

/** Programs of the registry, each installed in a folder of its own when it is needed. */
export class Programs {
  readonly #dir: string;
  readonly #installed = new Map<string, Promise<string>>();

  constructor(dir: string) {
    this.#dir = dir;
  }

  async engine(engine: Engine): Promise<string> {
    const { name, version, file } = engines[engine];
    // The repository has this one.
    if (version === process.versions.node) return process.execPath;
    return join(await this.#install(name, version), file);
  }

  /** The words that run npm with a version of Node, and the path with which its programs find that one. */
  async npm(engine: Engine): Promise<{ readonly words: readonly string[]; readonly path: string }> {
    const node = await this.engine(engine);
    const npm = await this.#install("npm", NPM_VERSION);
    return {
      words: [node, join(npm, "bin/npm-cli.js")],
      path: `${dirname(node)}:${process.env["PATH"] ?? ""}`,
    };
  }

  #install(name: string, version: string): Promise<string> {
    const found = this.#installed.get(name + version);
    if (found !== undefined) return found;
    const cwd = join(this.#dir, `${name.replace("/", "-")}-${version}`);
    const options = ["--no-save", "--no-audit", "--no-fund", "--prefer-offline", "--force"];
    const words = ["npm", "install", ...options, "--prefix", cwd, `${name}@${version}`];
    const installed = mustRun(words, { cwd: this.#dir }).then(() =>
      join(cwd, "node_modules", name),
    );
    this.#installed.set(name + version, installed);
    return installed;
  }
}
