/** docs/reference/events.md has a row for each event that the host logs, with its level and parts; and no others. */
import { type Fault, isTest, lineAt, type Repository } from "./repository.ts";

const PAGE = "docs/reference/events.md";

const LOG_CALL = /\blog\(\s*"(?<level>\w+)",\s*(?:"(?<part>[\w-]+)"|part),\s*"(?<event>[^"]+)"/g;
const ROW = /^\| `(?<event>[^`]+)` \| (?<level>info|warn|error) \| (?<parts>[^|]+) \|/gm;

export function eventFaults({
  sources,
  documents,
}: Pick<Repository, "sources" | "documents">): readonly Fault[] {
  const page = documents.find(({ path }) => path === PAGE)?.text ?? "";
  const documented = new Map(
    [...page.matchAll(ROW)].flatMap(({ groups, index }) => {
      const parts = [...(groups?.["parts"] ?? "").matchAll(/`([\w-]+)`/g)].map(([, part]) => part);
      // An event that any part can log names none.
      const named = parts.length === 0 ? [undefined] : parts;
      return named.map((part) => [describe({ ...groups, part }), lineAt(page, index)] as const);
    }),
  );
  const logged = new Map(
    sources
      .filter((file) => file.path.startsWith("packages/host/src/") && !isTest(file))
      .flatMap(({ path, text }) =>
        [...text.matchAll(LOG_CALL)]
          .filter(({ groups }) => groups?.["level"] !== "debug")
          .map(({ groups, index }) => [
            describe({ ...groups }),
            { path, line: lineAt(text, index) },
          ]),
      ),
  );
  return [
    ...[...logged]
      .filter(([event]) => !documented.has(event))
      .map(([event, place]) => ({ ...place, reason: `${PAGE} has no row for ${event}` })),
    ...[...documented]
      .filter(([event]) => !logged.has(event))
      .map(([event, line]) => ({ path: PAGE, line, reason: `the host never logs ${event}` })),
  ];
}

function describe({
  level,
  part,
  event,
}: {
  readonly level?: string;
  readonly part?: string | undefined;
  readonly event?: string;
}): string {
  return `${level} "${event}" of ${part === undefined ? "any part" : `the part ${part}`}`;
}
