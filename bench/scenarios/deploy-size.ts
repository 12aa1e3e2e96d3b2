import { execFile } from "node:child_process";
import {
  appendFileSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { promisify } from "node:util";
import type { RunningLever } from "../../tests/harness/lever.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { interleave } from "../interleave.ts";
import { type Scenario, startHost } from "../scenario.ts";

const FILES = 2_303;
const FOLDERS = 150;
const FILE_BYTES_MIN = 1_000;
const FILE_BYTES_MEAN = 9_550;
const compiler = join(import.meta.dirname, "../../node_modules/typescript6/lib");
const run = promisify(execFile);

type Way = "tar" | "first" | "again";

export const deploySize: Scenario = {
  name: "deploy-size",
  group: "off-path",
  about: "lever deploy of 22 MB in 2,303 files, beside tar czf | tar xzf of the same folder",
  async run(bench): Promise<readonly Figure[]> {
    const around = mkdtempSync(join(tmpdir(), "lever-bench-"));
    try {
      await using host = await startHost();
      const folder = join(around, "service");
      const bytes = makeFolder(folder);
      const ways: readonly Way[] = ["tar", "first", "again"];
      let turn = 0;
      const results = await interleave(bench, ways, (way) =>
        way === "tar" ? tarMs(folder, join(around, `${turn++}`)) : deployMs(host, folder, way),
      );
      const times = (way: Way): readonly number[] => results.get(way) ?? [];
      const chart = `${(bytes / 1e6).toFixed(0)} MB in ${FILES} files: ms`;
      return [
        measured("tar czf | tar xzf, ms", times("tar"), { chart, label: "tar czf | tar xzf" }),
        measured("first deploy, ms", times("first"), { chart, label: "first deploy" }),
        measured("deploy with one changed file, ms", times("again"), {
          chart,
          label: "one changed file",
        }),
        atMost("first deploy / tar czf | tar xzf", ratios(times("first"), times("tar")), 1),
        measured("one changed file / tar czf | tar xzf", ratios(times("again"), times("tar"))),
      ];
    } finally {
      rmSync(around, { recursive: true });
    }
  },
};

/** Cuts the sources of a compiler into files of 1 to 18 kB: text that compresses as that of a service does. */
function makeFolder(folder: string): number {
  const sources = globSync("*.{js,d.ts}", { cwd: compiler }).sort();
  const text = Buffer.concat(sources.map((name) => readFileSync(join(compiler, name))));
  let at = 0;
  for (let index = 0; index < FILES - 2; index++) {
    const path = join(folder, "lib", `part-${index % FOLDERS}`, `file-${index}.js`);
    const bytes = FILE_BYTES_MIN + ((index * 7_919) % (2 * (FILE_BYTES_MEAN - FILE_BYTES_MIN)));
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, text.subarray(at, at + bytes));
    at += bytes;
  }
  writeFileSync(join(folder, "server.js"), 'exports.sayHello = () => "hello";\n');
  return at;
}

async function tarMs(folder: string, to: string): Promise<number> {
  mkdirSync(to);
  const startedAt = performance.now();
  await run("sh", ["-c", 'tar czf - -C "$0" . | tar xzf - -C "$1"', folder, to]);
  const ms = performance.now() - startedAt;
  rmSync(to, { recursive: true });
  return ms;
}

let services = 0;

/** A first deploy is that of a new service; the next one of that service has another `server.js`. */
async function deployMs(
  host: RunningLever,
  folder: string,
  way: "first" | "again",
): Promise<number> {
  if (way === "first") services++;
  else appendFileSync(join(folder, "server.js"), "//\n");
  const leverJson = { name: `size-${services}`, jsEntry: "server.js" };
  writeFileSync(join(folder, "lever.json"), JSON.stringify(leverJson));
  const startedAt = performance.now();
  const { status, stderr } = await host.lever(["deploy", folder]);
  const ms = performance.now() - startedAt;
  if (status !== 0) throw new Error(`Cannot deploy: ${stderr}`);
  return ms;
}
