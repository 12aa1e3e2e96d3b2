import type { ServerFacts } from "./postgres-session.ts";

/** The database that a host has used. It is remembered over restarts: an old primary that comes back takes writes again. */
export interface KnownDatabase {
  readonly systemIdentifier: string;
  /** The highest that the host has seen. */
  readonly timeline: string;
}

export type ServerChoice =
  | { readonly kind: "use"; readonly server: ServerFacts }
  /** `reason`: the end of a sentence, with a remedy for each server. */
  | { readonly kind: "none"; readonly reason: string };

/** PostgreSQL of Debian 11; older ones get no corrections any more. */
export const VERSION_MIN = 140_000;

/** PG1, PG2. The server to use, of those that answered. */
export function chooseServer(
  servers: readonly ServerFacts[],
  known: KnownDatabase | undefined,
): ServerChoice {
  const refusals: string[] = [];
  const usable: ServerFacts[] = [];
  for (const server of servers) {
    const refusal = refusalOf(server, known);
    if (refusal === undefined) usable.push(server);
    else refusals.push(`${server.address.name}: ${refusal}`);
  }
  const [best, ...others] = usable.toSorted((a, b) => b.timeline.localeCompare(a.timeline));
  if (best === undefined) return { kind: "none", reason: refusals.join("; ") };
  const stranger = others.find(
    ({ systemIdentifier }) => systemIdentifier !== best.systemIdentifier,
  );
  if (stranger === undefined) return { kind: "use", server: best };
  const names = `${best.address.name} and ${stranger.address.name}`;
  return {
    kind: "none",
    reason: `${names} are different databases, not a primary and its standby. Give URLs of one only`,
  };
}

function refusalOf(facts: ServerFacts, known: KnownDatabase | undefined): string | undefined {
  if (facts.version < VERSION_MIN) {
    return `it is PostgreSQL ${Math.floor(facts.version / 10_000)}, and Lever needs 14 or newer. Update the server`;
  }
  if (known !== undefined && facts.systemIdentifier !== known.systemIdentifier) {
    return "it is another database than the one that this host has used. Give the URL of the former. If it has moved to this server, start each host once with --new-database";
  }
  if (!facts.isWritable) {
    return "it is a standby, or read-only. Give the URL of the primary too, or promote the standby";
  }
  if (known !== undefined && facts.timeline < known.timeline) {
    return `it is a former primary (timeline ${facts.timeline}), and another server has taken its place (timeline ${known.timeline}). Make it a standby of that server`;
  }
  return undefined;
}
