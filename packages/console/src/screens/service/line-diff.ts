/** A line of one text, of the other, or of both. Line numbers begin with 1. */
export interface DiffLine {
  readonly kind: "same" | "removed" | "added";
  readonly text: string;
  readonly before?: number;
  readonly after?: number;
}

/** Cells of the table of a comparison. Longer texts are shown as one that replaces the other. */
const CELLS_MAX = 4_000_000;
/** Unchanged lines that are shown around changed ones. */
const AROUND = 3;

/** The differences of two texts, in parts: each begins and ends with a few lines that are the same. */
export function lineDiff(before: string, after: string): readonly (readonly DiffLine[])[] {
  return partsOf(compared(linesOf(before), linesOf(after)));
}

function linesOf(text: string): readonly string[] {
  return text === "" ? [] : text.replace(/\n$/, "").split("\n");
}

function compared(old: readonly string[], now: readonly string[]): readonly DiffLine[] {
  let start = 0;
  while (start < old.length && start < now.length && old[start] === now[start]) start++;
  let end = 0;
  const rest = Math.min(old.length, now.length) - start;
  while (end < rest && old[old.length - 1 - end] === now[now.length - 1 - end]) end++;
  const lines: DiffLine[] = [];
  const same = (at: number, shift: number): void => {
    lines.push({ kind: "same", text: old[at] ?? "", before: at + 1, after: at + 1 + shift });
  };
  for (let at = 0; at < start; at++) same(at, 0);
  lines.push(
    ...changed(old.slice(start, old.length - end), now.slice(start, now.length - end), start),
  );
  for (let at = old.length - end; at < old.length; at++) same(at, now.length - old.length);
  return lines;
}

/** By the longest common subsequence. `offset`: lines before both. */
function changed(old: readonly string[], now: readonly string[], offset: number): DiffLine[] {
  const width = now.length + 1;
  const isTooLong = (old.length + 1) * width > CELLS_MAX;
  // The length of the longest common subsequence of what follows each pair of lines.
  const common = new Uint16Array(isTooLong ? 0 : (old.length + 1) * width);
  const at = (i: number, j: number): number => common[i * width + j] ?? 0;
  if (!isTooLong) {
    for (let i = old.length - 1; i >= 0; i--) {
      for (let j = now.length - 1; j >= 0; j--) {
        common[i * width + j] =
          old[i] === now[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
      }
    }
  }
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < now.length) {
    const [before, after] = [offset + i + 1, offset + j + 1];
    const isSame = i < old.length && j < now.length && old[i] === now[j];
    if (isSame && !isTooLong) {
      lines.push({ kind: "same", text: old[i++] ?? "", before, after });
      j++;
    } else if (i < old.length && (j === now.length || at(i + 1, j) >= at(i, j + 1))) {
      lines.push({ kind: "removed", text: old[i++] ?? "", before });
    } else lines.push({ kind: "added", text: now[j++] ?? "", after });
  }
  return lines;
}

function partsOf(lines: readonly DiffLine[]): readonly (readonly DiffLine[])[] {
  const parts: DiffLine[][] = [];
  let shownTo = 0;
  for (const [index, { kind }] of lines.entries()) {
    if (kind === "same") continue;
    const from = Math.max(shownTo, index - AROUND);
    const to = Math.min(lines.length, index + AROUND + 1);
    const part = parts.at(-1);
    if (part === undefined || from > shownTo) parts.push(lines.slice(from, to));
    else part.push(...lines.slice(shownTo, to));
    shownTo = Math.max(shownTo, to);
  }
  return parts;
}
