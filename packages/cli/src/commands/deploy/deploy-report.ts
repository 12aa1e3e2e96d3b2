import {
  DEFAULT_ENVIRONMENT,
  type DeployReport,
  FETCH_METHOD,
  formatLeverUrl,
  isLoopbackName,
  isStreamingName,
  type KeptFiles,
} from "@leveros/protocol";
import { formatBytes, formatCount, formatDuration } from "../../quantity.ts";
import { shellWord } from "../../shell-word.ts";
import { ownAddress, whyNoHostName } from "../../site-address.ts";
import { formatTable } from "../../table.ts";
import type { ExampleCall } from "./example-call.ts";

/**
 * Formats a report, and suggests the next commands.
 * @param lever the command with the flags that these commands repeat; ends in a space.
 * @param host its address.
 * @param example a call to suggest.
 * @param files the folder with the service's files.
 * @param isPrivate it answers no requests from outside.
 * @param kept files that were not sent.
 */
export function formatDeployReport(
  report: DeployReport,
  {
    lever,
    host,
    example,
    files,
    isPrivate = false,
    kept,
  }: {
    lever: string;
    host: URL;
    example: ExampleCall | undefined;
    files?: string | undefined;
    isPrivate?: boolean;
    kept?: KeptFiles | undefined;
  },
): string {
  const { environment, service, version, times } = report;
  const isSite = !isPrivate && (files !== undefined || report.methods.includes(FETCH_METHOD));
  const site = `/${encodeURIComponent(service)}/`;
  const methods = report.methods.map((method) =>
    method === FETCH_METHOD
      ? [`  ${method}`, site, "HTTP requests"]
      : [
          `  ${method}`,
          formatLeverUrl({ environment, service, resource: "", method }),
          isStreamingName(method) ? "streaming" : "",
        ],
  );
  const entries = formatCount(report.entries, "entry", "entries");
  const keptText =
    kept === undefined
      ? ""
      : ` ${formatCount(kept.files.length, "file", "files")} of version ${kept.version} not sent again.`;
  return [
    `Deployed ${service} version ${version} to ${environment} in ${formatDuration(times.totalMs)}.`,
    "",
    formatTable(files === undefined ? methods : [[`  ${files}`, site, "files"], ...methods]),
    ...(isSite ? [`  ${ownAddressOf(report, host)}`] : []),
    "",
    `Archive ${formatBytes(report.archiveBytes)}, unpacked ${formatBytes(report.unpackedBytes)} in ${entries}.${keptText}`,
    formatTimes(times),
    "",
    "Next:",
    ...(isSite ? [`  curl ${shellWord(siteUrl(report, host))}`] : []),
    ...(example === undefined ? [] : [formatExample(example, lever)]),
    `  ${lever}ls ${shellWord(service)}`,
  ].join("\n");
}

function ownAddressOf({ service, hostName }: DeployReport, host: URL): string {
  return hostName === undefined
    ? whyNoHostName(service)
    : `At its own host name: ${ownAddress(hostName, host)}`;
}

/** The first page of a service, at the address of the host. */
function siteUrl({ environment, service }: DeployReport, { origin, hostname }: URL): string {
  const isDefault = environment === DEFAULT_ENVIRONMENT && isLoopbackName(hostname);
  const query = isDefault ? "" : `?forceenv=${environment}`;
  return `${origin}/${encodeURIComponent(service)}/${query}`;
}

function formatTimes(times: DeployReport["times"]): string {
  const { uploadMs, waitMs, unpackMs, transformMs, startMs } = times;
  const waited = waitMs === undefined ? "" : `waited ${formatDuration(waitMs)} for other deploys, `;
  const transformed =
    transformMs === undefined ? "" : `transformed TypeScript in ${formatDuration(transformMs)}, `;
  return `Uploaded in ${formatDuration(uploadMs)}, ${waited}unpacked in ${formatDuration(unpackMs)}, ${transformed}started in ${formatDuration(startMs)}.`;
}

function formatExample({ url, args }: ExampleCall, lever: string): string {
  return `  ${[`${lever}invoke`, ...[url, ...args].map(shellWord)].join(" ")}`;
}
