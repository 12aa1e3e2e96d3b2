import { lstat, readdir, readFile, realpath, stat } from "node:fs/promises";
import { join, sep } from "node:path";
import {
  jsEntryCandidates,
  LeverError,
  type LeverJson,
  parseLeverJson,
  suggestJsEntry,
} from "@leveros/protocol";
import { warnOfOriginalClient } from "./original-client.ts";

const LEVER_JSON_BYTES_MAX = 256 * 1024;

/** Files that are listed to find one with a name like that of a jsEntry that does not exist. */
const LISTED_FILES_MAX = 1_000;

/**
 * Reads the lever.json of an unpacked service, and finds its entry point: a jsEntry gets its extension.
 * @throws LeverError `invalid_service` with every fault: file, field, what it contains, what is allowed.
 */
export async function readService(
  codeDir: string,
): Promise<{ leverJson: LeverJson; warnings: readonly string[] }> {
  const file = join(codeDir, "lever.json");
  const found = await lstat(file).catch(() => undefined);
  if (found === undefined) {
    throw invalid("lever.json: the file is missing from the top of the service folder.");
  }
  if (!found.isFile() || found.size > LEVER_JSON_BYTES_MAX) {
    throw invalid(`lever.json: allowed is a plain file of at most ${LEVER_JSON_BYTES_MAX} bytes.`);
  }
  const outcome = parseLeverJson(await readFile(file, "utf8"));
  if (!outcome.ok) throw invalid(outcome.errors.join("\n"));
  const { leverJson, warnings } = outcome;
  const { jsEntry, entry, http } = leverJson;
  await checkFiles(codeDir, leverJson);
  if (jsEntry !== undefined) {
    return {
      leverJson: { ...leverJson, jsEntry: await findModule(codeDir, jsEntry) },
      warnings: [...warnings, ...(await warnOfOriginalClient(codeDir))],
    };
  }
  const field = http === undefined ? "entry" : "http";
  const command = (http ?? entry)?.[0];
  // A command without a slash is looked up in the instance's PATH, so only a start shows whether it exists.
  if (command?.includes("/") === true) await checkCommand(codeDir, field, command);
  return { leverJson, warnings };
}

/** The first candidate of a jsEntry that is there. */
async function findModule(codeDir: string, jsEntry: string): Promise<string> {
  const candidates = jsEntryCandidates(jsEntry);
  for (const candidate of candidates) {
    const found = await stat(join(codeDir, candidate)).catch(() => undefined);
    if (found === undefined || (found.isDirectory() && candidates.length > 1)) continue;
    await checkFile(codeDir, "jsEntry", candidate);
    return candidate;
  }
  throw invalid(
    `lever.json: field jsEntry is ${JSON.stringify(jsEntry)}; there is no such file in the service folder. ${suggestJsEntry(jsEntry, await filesNear(codeDir))}`,
  );
}

/** Some files of a folder: those at its top, and those one level below. */
async function filesNear(codeDir: string): Promise<readonly string[]> {
  const files: string[] = [];
  const folders = [""];
  for (const folder of folders) {
    const entries = await readdir(join(codeDir, folder), { withFileTypes: true }).catch(() => []);
    for (const entry of entries) {
      const path = folder === "" ? entry.name : `${folder}/${entry.name}`;
      if (entry.isFile()) files.push(path);
      const isOwn = entry.isDirectory() && !entry.name.startsWith(".");
      if (isOwn && folder === "" && entry.name !== "node_modules") folders.push(path);
    }
    if (files.length > LISTED_FILES_MAX || folders.length > LISTED_FILES_MAX) break;
  }
  return files.slice(0, LISTED_FILES_MAX);
}

async function checkCommand(codeDir: string, field: string, command: string): Promise<void> {
  if (command.startsWith("/")) return;
  const file = await checkFile(codeDir, field, command);
  if (((await lstat(file)).mode & 0o100) === 0) {
    throw invalid(
      `lever.json: field ${field} is ${JSON.stringify(command)}; allowed is a file that may be executed (chmod +x).`,
    );
  }
}

async function checkFiles(
  codeDir: string,
  { static: folder, staticFallback: fallback }: LeverJson,
): Promise<void> {
  if (folder === undefined) return;
  const field = `lever.json: field static is ${JSON.stringify(folder)}`;
  const resolved = await inside(codeDir, folder);
  if (resolved === undefined || !(await lstat(resolved)).isDirectory()) {
    throw invalid(`${field}; allowed is a folder in the service folder.`);
  }
  if (fallback !== undefined) {
    await checkFile(resolved, "staticFallback", fallback, `the folder ${folder}`);
  }
}

async function checkFile(
  folder: string,
  name: string,
  path: string,
  where = "the service folder",
): Promise<string> {
  const field = `lever.json: field ${name} is ${JSON.stringify(path)}`;
  const resolved = await realpath(join(folder, path)).catch(() => undefined);
  if (resolved === undefined) throw invalid(`${field}; there is no such file in ${where}.`);
  const file = await inside(folder, path);
  if (file === undefined || !(await lstat(file)).isFile()) {
    throw invalid(`${field}; allowed is a plain file in ${where}.`);
  }
  return file;
}

/** The real path of something in a folder; undefined = it is not there, or a link leads out of the folder. */
async function inside(folder: string, path: string): Promise<string | undefined> {
  const resolved = await realpath(join(folder, path)).catch(() => undefined);
  return resolved?.startsWith((await realpath(folder)) + sep) === true ? resolved : undefined;
}

function invalid(message: string): LeverError {
  return new LeverError("invalid_service", message);
}
