import type { VNode } from "preact";

/** Lines in a square of 16. */
const paths = {
  grid: "M2.5 2.5h4.5v4.5h-4.5zM9 2.5h4.5v4.5h-4.5zM2.5 9h4.5v4.5h-4.5zM9 9h4.5v4.5h-4.5z",
  lines: "M2.5 4h11M2.5 8h7.5M2.5 12h9.5",
  bars: "M2.5 4h6M5.5 8h8M4 12h5",
  play: "M4.5 3v10l8.5-5z",
  bell: "M4 11.5V7a4 4 0 0 1 8 0v4.5M2.5 11.5h11M6.7 13.6h2.6",
  sliders: "M2.5 5h6M12 5h1.5M10 3.2v3.6M2.5 11h2M8 11h5.5M6 9.2v3.6",
  search: "M7 11.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM10.3 10.3l3.2 3.2",
  down: "M4.5 6.5 8 10l3.5-3.5",
  right: "M6.5 4.5 10 8l-3.5 3.5",
  close: "M4 4l8 8M12 4l-8 8",
  sun: "M8 10.8a2.8 2.8 0 1 0 0-5.6 2.8 2.8 0 0 0 0 5.6zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1",
  moon: "M13.2 9.6A5.6 5.6 0 0 1 6.4 2.8a5.6 5.6 0 1 0 6.8 6.8z",
  half: "M8 13.5a5.5 5.5 0 1 0 0-11v11z M8 2.5a5.5 5.5 0 0 0 0 11",
  leave: "M6.5 2.5h-4v11h4M10 5l3 3-3 3M13 8H6",
  warning: "M8 2.5 14 13H2zM8 6.5v3M8 11.2v.3",
  info: "M8 13.5a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM8 7.5v3.3M8 5v.3",
  copy: "M5.5 5.5h8v8h-8zM10.5 5.5v-3h-8v8h3",
  check: "M3 8.5 6.5 12 13 4.5",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  save: "M8 2.5v8M4.5 7.5 8 11l3.5-3.5M2.5 13.5h11",
  up: "M8 13.5v-11M4.5 6 8 2.5 11.5 6",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { name: IconName }): VNode {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true">
      <path d={paths[name]} />
    </svg>
  );
}
