import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  type ArchiveLimits,
  type ArchiveTerms,
  archiveFormats,
  type DeployReport,
  type KeptFiles,
} from "@leveros/protocol";
import { noteHostsBehind } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { CommandError, exitStatus } from "../../exit-status.ts";
import { printNote, printResult } from "../../output.ts";
import { flag, jsonFlag, optional, value } from "../../parameters.ts";
import { programName } from "../../program-name.ts";
import { ProgressLine } from "../../progress-line.ts";
import { readEnvironment, type Settings } from "../../settings.ts";
import {
  type ArchiveSizes,
  countPaths,
  describeTooLarge,
  readArchiveTerms,
} from "./archive-limits.ts";
import { bytesOf, type CodeEntry } from "./contents/contents.ts";
import { type DeployOutcome, progressIn, readDeployAnswer } from "./deploy-answer.ts";
import { formatDeployReport } from "./deploy-report.ts";
import { dryRunJson, formatDryRun } from "./dry-run.ts";
import type { ExampleCall } from "./example-call.ts";
import { findKept } from "./find-kept.ts";
import type { GrowingArchive } from "./growing-archive.ts";
import type { PackedArchive } from "./pack-entries.ts";
import { describeWaiting, formatPhase } from "./progress.ts";
import type { ServiceFolder } from "./service-folder.ts";

const DEFAULT_ADMIN_ENVIRONMENT = "admin.lever";

export const deploy: Command = command({
  name: "deploy",
  summary: "deploy the service in a folder",
  description: "Pack a folder, send it to Lever, and make it the live version of its service.",
  arguments: { dir: optional("folder of the service (default: this one)") },
  options: {
    admin: value(
      "<environment>",
      `environment of the admin service (default: ${DEFAULT_ADMIN_ENVIRONMENT})`,
    ),
    dryRun: flag("list what would be sent, with sizes, and send nothing"),
    json: jsonFlag("the report, or the list"),
  },
  notes: `The folder contains a lever.json, which names the service and its entry point:
  {"name": "helloService", "jsEntry": "server.js"}
or only a folder of files that Lever serves over HTTP:
  {"name": "website", "static": "public"}
Deploying a name again creates a new version. Calls go to the old version until the new one has started. If that
fails, the old version stays live.
Files that .leverignore lists are not sent; without a .leverignore, those that git ignores. Of node_modules, the
packages are sent that package.json needs outside development, also when they are elsewhere in the workspace (npm,
pnpm, yarn).`,
  examples: [
    ["lever deploy", "the service in this folder"],
    ["lever deploy ./hello", "the service in another folder"],
    ["lever -E prod.lever deploy", "into another environment"],
    ["lever deploy --dry-run", "only list what would be sent"],
    ["lever deploy --json | jq .version"],
  ],
  run: async ({ dir = ".", admin = DEFAULT_ADMIN_ENVIRONMENT, dryRun, json }, readSettings) => {
    const settings = readSettings();
    const { environment } = settings;
    const adminEnvironment = readEnvironment(admin, "--admin");
    // Loaded here: other commands start faster without the libraries behind them.
    const { readServiceFolder } = await import("./service-folder.ts");
    const folder = await readServiceFolder(dir, settings.flags);
    for (const warning of folder.warnings) printNote(`lever: ${warning}`);
    const { entries } = folder;
    const service = folder.leverJson.name;
    const limits = await readArchiveTerms(settings, { adminEnvironment, service });
    // Checked before packing, which takes long for a folder that is far too large.
    if (!dryRun) checkSize(dir, { unpackedBytes: folder.bytes }, { entries, limits });
    if (dryRun) {
      const packed = await (await pack(folder, limits)).packed;
      const found = { service, environment, entries, archiveBytes: packed.archiveBytes };
      printResult(json ? dryRunJson(found) : formatDryRun(found));
      checkSize(dir, packed, { entries, limits });
      return;
    }
    let kept = await findKept(entries, service, {
      terms: limits,
      settings: { ...settings, adminEnvironment },
    });
    const target = { settings, adminEnvironment };
    const send = async (part: ServiceFolder, of: KeptFiles | undefined): Promise<DeployOutcome> => {
      const packing = await pack(part, limits);
      // An archive that may be too large is not sent before it is packed.
      if (!packing.isSmall) checkSize(dir, await packing.packed, { entries, limits });
      return await upload(packing.archive, { ...target, kept: of });
    };
    let outcome = await send(without(folder, kept), kept);
    if (kept !== undefined && outcome.kind === "failed" && outcome.error.code === "conflict") {
      // The version whose files were kept has been removed meanwhile.
      kept = undefined;
      outcome = await send(folder, kept);
    }
    switch (outcome.kind) {
      case "deployed":
        noteHostsBehind(outcome.report);
        printResult(
          json
            ? JSON.stringify(outcome.report)
            : formatDeployReport(outcome.report, {
                lever: `${programName(process.env)} ${settings.flags}`,
                host: settings.hostUrl,
                example: await findExample(folder, outcome.report),
                files: folder.leverJson.static,
                isPrivate: folder.leverJson.private,
                kept,
              }),
        );
        return;
      case "refused": {
        const { describeMissingPackage } = await import("./missing-package.ts");
        const hint = await describeMissingPackage(outcome.reason, {
          folder: folder.path,
          packed: new Set(entries.map(({ path }) => path)),
        });
        throw new CommandError(
          exitStatus.failed,
          `Cannot deploy ${service} to ${environment}: ${outcome.reason}${hint === undefined ? "" : `\n${hint}`}`,
        );
      }
      case "failed":
        throw outcome.error;
    }
  },
});

/** A call that others may make, and that the source shows. */
async function findExample(
  { path, leverJson: { private: isPrivate, jsEntry = "" } }: ServiceFolder,
  report: DeployReport,
): Promise<ExampleCall | undefined> {
  if (isPrivate || jsEntry === "") return undefined;
  const source = await readFile(join(path, jsEntry), "utf8").catch(() => "");
  const { exampleCall } = await import("./example-call.ts");
  return exampleCall(source, report);
}

/** The folder without the files that the host has. */
function without(folder: ServiceFolder, kept: KeptFiles | undefined): ServiceFolder {
  const paths = new Set(kept?.files.map(({ path }) => path));
  if (paths.size === 0) return folder;
  const entries = folder.entries.filter(({ path }) => !paths.has(path));
  const bytes = entries.reduce((sum, entry) => sum + bytesOf(entry), 0);
  return { ...folder, entries, bytes };
}

interface Packing {
  readonly archive: GrowingArchive;
  /** The host accepts the archive, however little it can be compressed. */
  readonly isSmall: boolean;
  readonly packed: Promise<PackedArchive & ArchiveSizes>;
}

/** Begins to pack the folder. Shows the progress on a terminal. */
async function pack({ entries, bytes }: ServiceFolder, terms: ArchiveTerms): Promise<Packing> {
  const { archiveBytesBound, packEntries } = await import("./pack-entries.ts");
  const { GrowingArchive } = await import("./growing-archive.ts");
  const { archiveBytesMax, formats = ["tar.gz"] } = terms;
  const archive = new GrowingArchive();
  const progress = new ProgressLine(process.stderr, formatPhase);
  const paths = countPaths(entries);
  const boundBytes = archiveBytesBound(entries);
  const bound = { archiveBytes: boundBytes, unpackedBytes: boundBytes, entries: paths };
  let packedBytes = 0;
  const packing = packEntries(entries, {
    format: archiveFormats.find((format) => formats.includes(format)) ?? "tar.gz",
    archiveBytesMax,
    onChunk: (chunk) => archive.add(chunk),
    onPacked: (fileBytes) => {
      packedBytes += fileBytes;
      progress.show({ name: "packing", packedBytes, folderBytes: bytes });
    },
  }).finally(() => progress.clear());
  const packed = packing.then((found) => ({ ...found, entries: paths }));
  packed.then(
    () => archive.complete(),
    (error: unknown) => archive.fail(error),
  );
  const isSmall = describeTooLarge(bound, terms, entries).length === 0;
  return { archive, isSmall, packed };
}

interface UploadTarget {
  readonly settings: Settings;
  readonly adminEnvironment: string;
  readonly kept: KeptFiles | undefined;
}

/** Sends the archive, and shows the progress on a terminal. */
async function upload(
  archive: GrowingArchive,
  { settings, adminEnvironment, kept }: UploadTarget,
): Promise<DeployOutcome> {
  const { hostUrl, token, environment } = settings;
  const { uploadArchive } = await import("./upload.ts");
  const progress = new ProgressLine(process.stderr, formatPhase);
  try {
    const answer = await uploadArchive({
      hostUrl,
      token,
      adminEnvironment,
      environment,
      archive,
      kept,
      onSent: (sentBytes) => {
        // Until then the progress of packing is shown.
        if (!archive.isComplete) return;
        progress.show({ name: "uploading", sentBytes, archiveBytes: archive.bytes });
      },
      onAllSent: () => progress.show({ name: "starting", sentBytes: archive.bytes }),
      onLine: (line) => {
        const found = progressIn(line);
        if (found?.progress === "starting") {
          progress.show({ name: "starting", sentBytes: archive.bytes });
        } else if (found !== undefined) {
          progress.show({ name: "waiting", ...found });
          if (!process.stderr.isTTY) printNote(`lever: ${describeWaiting(found)}`);
        }
      },
    });
    return readDeployAnswer(answer);
  } finally {
    progress.clear();
  }
}

/** @throws CommandError when the host would refuse an archive for its size. */
function checkSize(
  dir: string,
  sizes: Partial<ArchiveSizes>,
  { entries, limits }: { entries: readonly CodeEntry[]; limits: ArchiveLimits },
): void {
  const sentences = describeTooLarge(sizes, limits, entries);
  if (sentences.length === 0) return;
  throw new CommandError(
    exitStatus.failed,
    `Cannot deploy ${dir}: it is too large, so nothing was sent.\n  ${sentences.join("\n  ")}`,
  );
}
