/** docs/reference/events.md has a row for each event that the host logs, with its level; and no others. */
import { type Fault, isTest, lineAt, type Repository } from "./repository.ts";

const PAGE = "docs/reference/events.md";

const LOG_CALL = /\blog\(\s*"(?<level>\w+)",\s*(?:"[\w-]+"|part),\s*"(?<event>[^"]+)"/g;
const ROW = /^\| `(?<event>[^`]+)` \| (?<level>info|warn|error) \|/gm;

export function eventFaults({
  sources,
  documents,
}: Pick<Repository, "sources" | "documents">): readonly Fault[] {
  const page = documents.find(({ path }) => path === PAGE)?.text ?? "";
  const rows = eventsIn(page, ROW);
  const host = sources.filter(
    (file) => file.path.startsWith("packages/host/src/") && !isTest(file),
  );
  const logged = host.flatMap(({ path, text }) =>
    [...eventsIn(text, LOG_CALL)].map(([event, index]) => ({ path, text, event, index })),
  );
  const names = new Set(logged.map(({ event }) => event));
  return [
    ...logged
      .filter(({ event }) => !event.startsWith("debug ") && !rows.has(event))
      .map(({ path, text, event, index }) => ({
        path,
        line: lineAt(text, index),
        reason: `${PAGE} has no row for the event "${event}"`,
      })),
    ...[...rows]
      .filter(([event]) => !names.has(event))
      .map(([event, index]) => ({
        path: PAGE,
        line: lineAt(page, index),
        reason: `the host never logs the event "${event}"`,
      })),
  ];
}

/** Level and name of each event, with its position. */
function eventsIn(text: string, pattern: RegExp): ReadonlyMap<string, number> {
  return new Map(
    [...text.matchAll(pattern)].map(({ groups, index }) => [
      `${groups?.["level"]} ${groups?.["event"]}`,
      index,
    ]),
  );
}
