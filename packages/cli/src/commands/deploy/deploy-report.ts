import {
  type DeployReport,
  formatLeverUrl,
  isStreamingName,
  type KeptFiles,
} from "@leveros/protocol";
import { formatBytes, formatCount, formatDuration } from "../../quantity.ts";
import { formatTable } from "../../table.ts";

/**
 * Formats a report, and suggests the next commands.
 * @param flags flags to repeat in these commands; ends in a space unless empty.
 * @param kept files that were not sent.
 */
export function formatDeployReport(
  report: DeployReport,
  { flags, kept }: { flags: string; kept?: KeptFiles | undefined },
): string {
  const { environment, service, version, times } = report;
  const methods = report.methods.map((method) => [
    `  ${method}`,
    formatLeverUrl({ environment, service, resource: "", method }),
    isStreamingName(method) ? "streaming" : "",
  ]);
  const entries = formatCount(report.entries, "entry", "entries");
  const keptText =
    kept === undefined
      ? ""
      : ` ${formatCount(kept.files.length, "file", "files")} of version ${kept.version} not sent again.`;
  return [
    `Deployed ${service} version ${version} to ${environment} in ${formatDuration(times.totalMs)}.`,
    "",
    formatTable(methods),
    "",
    `Archive ${formatBytes(report.archiveBytes)}, unpacked ${formatBytes(report.unpackedBytes)} in ${entries}.${keptText}`,
    formatTimes(times),
    "",
    "Next:",
    ...nextSteps(report, flags).map((step) => `  ${step}`),
  ].join("\n");
}

function formatTimes(times: DeployReport["times"]): string {
  const { uploadMs, waitMs, unpackMs, transformMs, startMs } = times;
  const waited = waitMs === undefined ? "" : `waited ${formatDuration(waitMs)} for other deploys, `;
  const transformed =
    transformMs === undefined ? "" : `transformed TypeScript in ${formatDuration(transformMs)}, `;
  return `Uploaded in ${formatDuration(uploadMs)}, ${waited}unpacked in ${formatDuration(unpackMs)}, ${transformed}started in ${formatDuration(startMs)}.`;
}

function nextSteps({ service, methods }: DeployReport, flags: string): string[] {
  const regular = methods.find((method) => !isStreamingName(method));
  const list = `lever ${flags}ls ${service}`;
  if (regular === undefined) return [list];
  const path = formatLeverUrl({ environment: "", service, resource: "", method: regular });
  return [`lever ${flags}invoke ${path}`, list];
}
