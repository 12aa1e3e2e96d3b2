import { execFileSync, spawn } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Catcher, type PlantedFault, plant } from "./planted-fault.ts";

const root = join(import.meta.dirname, "../..");

/** A fault can make an endless loop. */
const TIMEOUT_MS = 300_000;

/** The command of a catcher, and the worlds of a simulation. */
function argumentsOf(catchers: readonly Catcher[], seeds: number): string[] {
  if (catchers[0] === "simulation") {
    return ["--conditions=lever-source", "scripts/simulate.ts", "--seeds", `${seeds}`];
  }
  const files = catchers.map((path) => `packages/${path}`);
  return ["node_modules/vitest/vitest.mjs", "run", "--project=unit", "--pool=threads", ...files];
}

/** A copy of the repository in which faults are planted, so that they are never in the repository itself. */
export class SourceCopy implements Disposable {
  readonly #folder = mkdtempSync(join(tmpdir(), "lever-mutate-"));

  constructor() {
    const args = ["ls-files", "-z", "--cached", "--others", "--exclude-standard"];
    const paths = execFileSync("git", args, { cwd: root, encoding: "utf8" }).split("\0");
    for (const path of paths) {
      const from = join(root, path);
      if (path !== "" && existsSync(from)) cpSync(from, join(this.#folder, path));
    }
    linkModules(join(root, "node_modules"), join(this.#folder, "node_modules"));
  }

  /** @throws Error when the source with the fault is not TypeScript: anything would find it. */
  checkSyntax(fault: PlantedFault): void {
    const path = join(this.#folder, "packages", fault.file);
    stripTypeScriptTypes(plant(readFileSync(path, "utf8"), fault));
  }

  /** Plants a fault, runs the command that must find it, and takes it out again. Returns whether the command failed. */
  async isCaught(fault: PlantedFault, catcher: Catcher, { seeds = 30 } = {}): Promise<boolean> {
    const path = join(this.#folder, "packages", fault.file);
    const source = readFileSync(path, "utf8");
    writeFileSync(path, plant(source, fault));
    const { isGood } = await this.run([catcher], { seeds });
    writeFileSync(path, source);
    return !isGood;
  }

  /** Runs the simulation, or files of unit tests. */
  async run(
    catchers: readonly Catcher[],
    { seeds = 30 } = {},
  ): Promise<{ isGood: boolean; output: string }> {
    const { PATH, HOME } = process.env;
    const child = spawn(process.execPath, argumentsOf(catchers, seeds), {
      cwd: this.#folder,
      stdio: ["ignore", "pipe", "pipe"],
      env: { PATH, HOME },
      timeout: TIMEOUT_MS,
      killSignal: "SIGKILL",
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => {
        output += text;
      });
    }
    const { promise, resolve, reject } = Promise.withResolvers<boolean>();
    child.on("error", reject).on("close", (status) => resolve(status === 0));
    return { isGood: await promise, output };
  }

  [Symbol.dispose](): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Links every module, so that those of the repository's own packages lead to their copies. */
function linkModules(from: string, to: string): void {
  mkdirSync(to);
  for (const entry of readdirSync(from, { withFileTypes: true })) {
    const { name } = entry;
    const [source, link] = [join(from, name), join(to, name)];
    if (entry.isSymbolicLink()) symlinkSync(readlinkSync(source), link);
    else if (name.startsWith("@")) linkModules(source, link);
    else if (!name.startsWith(".")) symlinkSync(source, link);
  }
}
