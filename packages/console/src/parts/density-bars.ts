/** A part of the time that a list covers. */
export interface DensityBar {
  /** The index of its first item. */
  readonly from: number;
  readonly count: number;
  readonly bad: number;
}

/** Divides items by their times, which are ISO 8601 and ascend, into bars of one duration. `[]` = they have one time. */
export function densityBars<Item extends { readonly at: string }>(
  items: readonly Item[],
  { bars, isBad }: { readonly bars: number; readonly isBad: (item: Item) => boolean },
): readonly DensityBar[] {
  const first = Date.parse(items[0]?.at ?? "");
  const last = Date.parse(items.at(-1)?.at ?? "");
  if (!(last > first)) return [];
  const found: DensityBar[] = [];
  let from = 0;
  for (let bar = 1; bar <= bars; bar++) {
    // To parse the time of each item would take several times as long.
    const end = new Date(first + ((last - first) * bar) / bars).toISOString();
    let [to, bad] = [from, 0];
    for (let item = items[to]; item !== undefined; item = items[++to]) {
      if (bar < bars && item.at >= end) break;
      if (isBad(item)) bad++;
    }
    found.push({ from, count: to - from, bad });
    from = to;
  }
  return found;
}
