import { isJsonObject, type KeptFile, type KeptFiles } from "@leveros/protocol";
import { type Argument, flag, invalidArgument } from "./arguments.ts";

interface ReadOptions {
  readonly report: boolean;
  readonly progress: boolean;
  readonly kept: KeptFiles | undefined;
}

const [report, progress] = [flag("report"), flag("progress")];

export const deployOptions: Argument<ReadOptions> = {
  name: "{report?, progress?, kept?}",
  read: (value) => ({
    report: report.read(value),
    progress: progress.read(value),
    kept: readKept(isJsonObject(value) ? value["kept"] : undefined),
  }),
};

/** Their number is bounded by the bytes of a body. */
export const digests: Argument<readonly string[]> = {
  name: "digests",
  read(value) {
    if (Array.isArray(value) && value.every((digest) => typeof digest === "string")) return value;
    throw invalidArgument("digests", value, "a list of texts");
  },
};

/** The most bytes of the path of an archive's entry, and more than any digest has. */
const TEXT_LENGTH_MAX = 1_024;

function readKept(value: unknown): KeptFiles | undefined {
  if (value === undefined || value === null) return undefined;
  if (isJsonObject(value)) {
    const { service, version, files } = value;
    const isVersion = typeof service === "string" && typeof version === "number";
    if (isVersion && Array.isArray(files) && files.every(isKeptFile)) {
      return { service, version, files };
    }
  }
  throw invalidArgument("kept", value, "an object with service, version and files");
}

function isKeptFile(value: unknown): value is KeptFile {
  return (
    isJsonObject(value) &&
    isShortText(value["path"]) &&
    isShortText(value["digest"]) &&
    typeof value["isExecutable"] === "boolean"
  );
}

function isShortText(value: unknown): value is string {
  return typeof value === "string" && value.length <= TEXT_LENGTH_MAX;
}
