import { formatBytes } from "../../quantity.ts";

/** The progress of a deploy. */
export type DeployPhase =
  | {
      readonly name: "packing";
      /** The size of the files packed so far. */
      readonly packedBytes: number;
      /** The size of all files. */
      readonly folderBytes: number;
    }
  | {
      readonly name: "uploading";
      /** The bytes of the archive sent so far. */
      readonly sentBytes: number;
      readonly archiveBytes: number;
    }
  /** The host runs other deploys first. */
  | { readonly name: "waiting"; readonly running: number; readonly waiting: number }
  | { readonly name: "starting"; readonly sentBytes: number };

const BAR_CELLS = 24;

/** Formats one line, at most as wide as the terminal. */
export function formatPhase(phase: DeployPhase, columns: number): string {
  return describe(phase).slice(0, columns);
}

function describe(phase: DeployPhase): string {
  switch (phase.name) {
    case "packing": {
      const { packedBytes, folderBytes } = phase;
      return `Packing   ${barOf(packedBytes, folderBytes)}  ${formatBytes(packedBytes)} of ${formatBytes(folderBytes)}`;
    }
    case "uploading": {
      const { sentBytes, archiveBytes } = phase;
      return `Uploading ${barOf(sentBytes, archiveBytes)}  ${formatBytes(sentBytes)} of ${formatBytes(archiveBytes)} sent`;
    }
    case "waiting":
      return describeWaiting(phase);
    case "starting":
      return `${formatBytes(phase.sentBytes)} sent, waiting for the host to start the service …`;
  }
}

/** The deploys that a deploy waits for. */
export function describeWaiting(others: { running: number; waiting: number }): string {
  const { running, waiting } = others;
  const before = waiting === 0 ? "" : `, and ${waiting} more wait`;
  return `Waiting for other deploys of the host: ${running} of them run${before} …`;
}

function barOf(part: number, whole: number): string {
  const share = whole === 0 ? 1 : Math.min(1, part / whole);
  const filled = Math.round(share * BAR_CELLS);
  const percent = `${Math.floor(share * 100)}%`.padStart(4);
  return "█".repeat(filled) + "░".repeat(BAR_CELLS - filled) + percent;
}
