/** The newest items of a stream, at most so many, each with a number that stays. */
export interface Newest<Item> {
  readonly items: readonly Item[];
  /** The number of the first item. */
  readonly from: number;
}

export const NOTHING: Newest<never> = { items: [], from: 0 };

export function addNewest<Item>(
  { items, from }: Newest<Item>,
  more: readonly Item[],
  max: number,
): Newest<Item> {
  const all = [...items, ...more];
  const surplus = Math.max(0, all.length - max);
  return { items: surplus === 0 ? all : all.slice(surplus), from: from + surplus };
}
