/** No file has the markers of an unresolved merge. */
import { type Fault, lineAt, type Repository } from "./repository.ts";

export function conflictFaults({
  sources,
  documents,
}: Pick<Repository, "sources" | "documents">): readonly Fault[] {
  return [...sources, ...documents].flatMap(({ path, text }) =>
    [...text.matchAll(/^(?:<{7}|>{7}) /gm)].map(({ index }) => ({
      path,
      line: lineAt(text, index),
      reason: "the marker of an unresolved merge",
    })),
  );
}
