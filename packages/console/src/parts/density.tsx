import type { VNode } from "preact";
import { densityBars } from "./density-bars.ts";

const BARS = 120;
const HEIGHT = 24;
/** The least height of a bar that is not empty. */
const HEIGHT_MIN = 2;

/** How many items a list has over time, and how many of them are bad. A click leads to the first item of a bar. */
export function Density<Item extends { readonly at: string }>(props: {
  label: string;
  /** By time. */
  items: readonly Item[];
  isBad: (item: Item) => boolean;
  onJump: (item: Item) => void;
}): VNode | null {
  const { label, items, isBad, onJump } = props;
  const bars = densityBars(items, { bars: BARS, isBad });
  if (bars.length === 0) return null;
  const most = Math.max(...bars.map(({ count }) => count));
  const bad = bars.reduce((sum, bar) => sum + bar.bad, 0);
  const jump = ({ currentTarget, clientX }: MouseEvent): void => {
    if (!(currentTarget instanceof Element)) return;
    const { left, width } = currentTarget.getBoundingClientRect();
    const at = Math.floor(((clientX - left) / width) * BARS);
    const item = items[bars[Math.max(0, Math.min(at, BARS - 1))]?.from ?? 0];
    if (item !== undefined) onJump(item);
  };
  const rects = bars.flatMap(({ count, bad: wrong }, index) =>
    [count, wrong].map((of, kind) => {
      if (of === 0) return null;
      const height = Math.max(HEIGHT_MIN, (of / most) * HEIGHT);
      const tone = kind === 0 ? "" : "bad";
      const box = { x: index, y: HEIGHT - height, width: 0.8, height };
      return <rect key={`${index}${tone}`} class={tone} {...box} />;
    }),
  );
  return (
    <button
      type="button"
      class="density"
      aria-label={`${label} over time: ${items.length}, ${bad} of them failed`}
      onClick={jump}
    >
      <svg viewBox={`0 0 ${BARS} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden="true">
        {rects}
      </svg>
    </button>
  );
}
