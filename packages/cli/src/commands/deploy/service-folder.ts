import { lstat, readFile, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import {
  jsEntryCandidates,
  type LeverJson,
  parseLeverJson,
  suggestJsEntry,
} from "@leveros/protocol";
import { CommandError, exitStatus, usageError } from "../../exit-status.ts";
import { shellWord } from "../../shell-word.ts";
import type { CodeEntry, ContentsOptions } from "./contents/contents.ts";
import { readContents } from "./contents/read-contents.ts";
import { findServicesBelow } from "./services-below.ts";

/** A folder that the command has checked. Only the host can find out whether the service starts. */
export interface ServiceFolder {
  /** Absolute, without links. */
  readonly path: string;
  /** The folder of its workspace; without one, its own. */
  readonly root: string;
  readonly leverJson: LeverJson;
  /** Sentences about what is unusual, but does not keep the service from being deployed. */
  readonly warnings: readonly string[];
  readonly entries: readonly CodeEntry[];
  /** The size of all files together. */
  readonly bytes: number;
}

const LEVER_JSON_BYTES_MAX = 256 * 1024;
const PROBLEMS_SHOWN = 20;

const EXAMPLE = `The smallest lever.json is: {"name": "myService", "jsEntry": "server.js"}`;

/**
 * Checks a service folder before anything is sent.
 * @param flags flags to repeat in commands that are suggested; ends in a space unless empty.
 * @throws CommandError with every problem of the folder.
 */
export async function readServiceFolder(
  dir: string,
  flags = "",
  options: ContentsOptions = {},
): Promise<ServiceFolder> {
  const folder = await realpath(dir).catch(() => {
    throw usageError(`Cannot deploy ${dir}: there is no such folder.`);
  });
  if (!(await stat(folder)).isDirectory()) {
    throw usageError(`Cannot deploy ${dir}: it is a file; allowed is a folder with a lever.json.`);
  }
  const { leverJson, warnings } = await readLeverJson(folder, { dir, flags });
  const { jsEntry, entry, http } = leverJson;
  const candidates = jsEntry === undefined ? [] : jsEntryCandidates(jsEntry);
  const found = await findFile(folder, candidates);
  const needed = {
    jsEntry: found ?? candidates[0],
    static: leverJson.static,
    command: http ?? entry,
  };
  const contents = await readContents(folder, needed, options);
  const { root, entries, bytes, problems, notes } = contents;
  if (problems.length > 0) throw cannotDeploy(dir, problems);
  const paths = entries.map(({ path }) => path);
  if (jsEntry !== undefined && !candidates.some((candidate) => paths.includes(candidate))) {
    const reason =
      found === undefined
        ? `there is no such file in the folder. ${suggestJsEntry(jsEntry, paths)}`
        : await describeExclusion(folder);
    throw cannotDeploy(dir, [`lever.json: field jsEntry is ${JSON.stringify(jsEntry)}; ${reason}`]);
  }
  return { path: folder, root, leverJson, warnings: [...warnings, ...notes], entries, bytes };
}

async function describeExclusion(folder: string): Promise<string> {
  return (await findFile(folder, [".leverignore"])) === undefined
    ? "that file is excluded by .gitignore. Write a .leverignore with what is not to be deployed: it replaces .gitignore."
    : "that file is excluded by .leverignore. Remove the line that excludes it.";
}

/** Returns the first of some paths that is a file. */
async function findFile(folder: string, paths: readonly string[]): Promise<string | undefined> {
  const found = await Promise.all(
    paths.map((path) => stat(join(folder, path)).catch(() => undefined)),
  );
  return paths.find((_path, index) => found[index]?.isFile() === true);
}

async function readLeverJson(
  folder: string,
  { dir, flags }: { dir: string; flags: string },
): Promise<{ leverJson: LeverJson; warnings: readonly string[] }> {
  const file = join(folder, "lever.json");
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) {
    const services = await findServicesBelow(folder);
    const deploys = services.map((path) => `  lever ${flags}deploy ${shellWord(join(dir, path))}`);
    throw cannotDeploy(dir, [
      "lever.json: the file is missing from the top of the folder.",
      ...(deploys.length === 0
        ? [EXAMPLE]
        : ["There are services in folders below. Deploy each by itself:", ...deploys]),
    ]);
  }
  if (!found.isFile() || found.size > LEVER_JSON_BYTES_MAX) {
    throw cannotDeploy(dir, [
      `lever.json: allowed is a plain file of at most ${LEVER_JSON_BYTES_MAX} bytes.`,
    ]);
  }
  const outcome = parseLeverJson(await readFile(file, "utf8"));
  if (!outcome.ok) throw cannotDeploy(dir, outcome.errors);
  return outcome;
}

function cannotDeploy(dir: string, problems: readonly string[]): CommandError {
  const shown = problems.slice(0, PROBLEMS_SHOWN);
  if (shown.length < problems.length) shown.push(`… and ${problems.length - shown.length} more.`);
  return new CommandError(exitStatus.failed, `Cannot deploy ${dir}:\n  ${shown.join("\n  ")}`);
}
