import {
  formatLeverUrl,
  type InstanceListing,
  isStreamingName,
  type ServiceListing,
  type SiteListing,
} from "@leveros/protocol";
import {
  formatAge,
  formatBytes,
  formatMilliseconds,
  formatRate,
  formatShare,
} from "../../quantity.ts";
import { ownAddress, whyNoHostName } from "../../site-address.ts";
import { formatTable } from "../../table.ts";

/** Formats a table with one line per service. */
export function formatServices(listings: readonly ServiceListing[], nowMs: number): string {
  const isCalled = listings.some(({ traffic }) => traffic !== undefined);
  const hasSites = listings.some(({ site }) => site !== undefined);
  const head = [
    ...["SERVICE", "VERSION", "AGE", "INSTANCES"],
    ...(isCalled ? ["CALLS/S", "ERRORS", "P99"] : []),
    "VISIBILITY",
    ...(hasSites ? ["HTTP"] : []),
    "METHODS",
  ];
  const rows = listings.map((listing) => [
    listing.service,
    listing.platform ? "" : String(listing.liveVersion),
    ageOf(listing, nowMs),
    describeInstances(listing),
    ...(isCalled ? recentCalls(listing) : []),
    visibilityOf(listing),
    ...(hasSites ? [siteOf(listing)] : []),
    listing.platform ? `${listing.methods.length} methods` : listing.methods.join(", "),
  ]);
  return formatTable([head, ...rows]);
}

/** Formats the details of one service. `host` is the address of the host. */
export function formatService(listing: ServiceListing, nowMs: number, host: URL): string {
  const { environment, service, description, methods, versions, instances, failing, site } =
    listing;
  const visibility = listing.private
    ? ", private: only services of the same environment can call it"
    : "";
  const sections = [`${service} in ${environment}${visibility}`];
  if (description !== "") sections.push(description);
  const urls = methods.map((method) => [
    formatLeverUrl({ environment, service, resource: "", method }),
    isStreamingName(method) ? "streaming" : "",
  ]);
  sections.push(formatTable([["METHOD"], ...urls]));
  if (site !== undefined) sections.push(formatSite(service, site, host));
  if (listing.platform) return sections.join("\n\n");
  const versionRows = versions
    .toSorted((a, b) => b.version - a.version)
    .map(({ version, deployedAt, archiveBytes, unpackedBytes }) => [
      String(version),
      version === listing.liveVersion ? "live" : "",
      formatAge(Date.parse(deployedAt), nowMs),
      formatBytes(archiveBytes),
      formatBytes(unpackedBytes),
    ]);
  sections.push(formatTable([["VERSION", "LIVE", "AGE", "ARCHIVE", "UNPACKED"], ...versionRows]));
  const hasHosts = instances.some(({ host }) => host !== undefined);
  const instanceRows = instances.map(
    ({ host = "", instance, version, state, callsInFlight, startedAt }) => [
      ...(hasHosts ? [host] : []),
      instance,
      String(version),
      state,
      String(callsInFlight),
      formatAge(Date.parse(startedAt), nowMs),
    ],
  );
  const instanceHead = ["INSTANCE", "VERSION", "STATE", "CALLS", "AGE"];
  if (failing !== undefined) {
    const { inARow, nextStartMs, reason } = failing;
    const next = nextStartMs === 0 ? "now" : `in ${Math.ceil(nextStartMs / 1_000)} s`;
    sections.push(
      `${inARow} instances in a row have failed. The next may start ${next}.\n${reason}`,
    );
  }
  sections.push(
    instances.length === 0
      ? "No instances: the next call starts one."
      : formatTable([[...(hasHosts ? ["HOST"] : []), ...instanceHead], ...instanceRows]),
  );
  return sections.join("\n\n");
}

/** The addresses of a service beside its path, and its files; empty for one that answers no HTTP requests. */
function siteOf({ site }: ServiceListing): string {
  if (site === undefined) return "";
  const { hostName, routes, files } = site;
  return [...routes, hostName ?? [], files === undefined ? [] : `files of ${files}`]
    .flat()
    .join(", ");
}

function formatSite(service: string, { hostName, routes, files }: SiteListing, host: URL): string {
  const rows = [
    ["ADDRESS", "OF"],
    [`/${encodeURIComponent(service)}/`, "every name of the host"],
    ...(hostName === undefined ? [] : [[ownAddress(hostName, host), "the host's own machine"]]),
    ...routes.map((address) => [address, "a route"]),
  ];
  return [
    formatTable(rows),
    ...(hostName === undefined ? [whyNoHostName(service)] : []),
    ...(files === undefined ? [] : [`Files of ${files} are served without an instance.`]),
  ].join("\n");
}

function visibilityOf(listing: ServiceListing): string {
  if (listing.platform) return "Lever itself";
  return listing.private ? "private" : "";
}

function describeInstances({ platform, failing, instances }: ServiceListing): string {
  if (platform) return "the host";
  return failing === undefined
    ? countInstances(instances)
    : `${countInstances(instances)}, failing`;
}

/** Calls of the last minute; empty for a service that had none. */
function recentCalls({ traffic }: ServiceListing): string[] {
  if (traffic === undefined) return ["", "", ""];
  const { callsPerSecond, errorsPerSecond, p99Ms } = traffic;
  return [
    formatRate(callsPerSecond),
    formatShare(errorsPerSecond / callsPerSecond),
    formatMilliseconds(p99Ms),
  ];
}

/** The time since the live version was deployed. */
function ageOf({ versions, liveVersion }: ServiceListing, nowMs: number): string {
  const live = versions.find(({ version }) => version === liveVersion);
  return live === undefined ? "" : formatAge(Date.parse(live.deployedAt), nowMs);
}

/** `0`, `2 ready`, `1 ready, 1 starting`. */
function countInstances(instances: readonly InstanceListing[]): string {
  const counts = (["ready", "starting", "unresponsive", "draining", "stopping"] as const).flatMap(
    (state) => {
      const count = instances.filter((instance) => instance.state === state).length;
      return count === 0 ? [] : `${count} ${state}`;
    },
  );
  return counts.length === 0 ? "0" : counts.join(", ");
}
