import { useSignal } from "@preact/signals";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { colors } from "../frame/theme.ts";

export interface Series {
  readonly label: string;
  /** Names the color: a class of the legend. */
  readonly tone: "calls" | "errors" | "p50" | "p95" | "p99" | "memory";
  readonly values: readonly (number | null)[];
}

const HEIGHT = 148;
const SYNC = "charts";
const FONT = '11px Inter, system-ui, -apple-system, "Segoe UI", Roboto, sans-serif';

/** Courses of quantities over one time. All charts of a page have one cursor. */
export function Chart(props: {
  title: string;
  /** Seconds since 1970. */
  at: readonly number[];
  series: readonly Series[];
  format: (value: number) => string;
  /** Stands beside the title. */
  children?: ComponentChildren;
}): VNode {
  const { title, at, series, format, children } = props;
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | undefined>(undefined);
  const index = useSignal<number | null>(null);
  const isTable = useSignal(false);
  const key = `${series.map(({ tone }) => tone).join()} ${colors.value}`;
  useEffect(() => {
    const target = place.current;
    if (target === null) return;
    const made = new uPlot(optionsOf(props, target, index), dataOf(at, series), target);
    plot.current = made;
    const observer = new ResizeObserver(() =>
      made.setSize({ width: target.clientWidth, height: HEIGHT }),
    );
    observer.observe(target);
    return () => {
      observer.disconnect();
      made.destroy();
    };
  }, [key]);
  useEffect(() => plot.current?.setData(dataOf(at, series)), [at, series]);
  const shown = index.value ?? at.length - 1;
  const time = at[shown];
  return (
    <figure class="chart">
      <figcaption>
        <h2>{title}</h2>
        {children}
        <span class="legend">
          {series.map(({ label, tone, values }) => (
            <span key={tone} class={`tone-${tone}`}>
              <i />
              {label} <b>{textOf(values[shown], format)}</b>
            </span>
          ))}
          {index.value !== null && time !== undefined && (
            <time>{new Date(time * 1_000).toTimeString().slice(0, 8)}</time>
          )}
        </span>
      </figcaption>
      <div ref={place} class="plot" />
      <details
        class="values"
        onToggle={({ currentTarget }) => (isTable.value = currentTarget.open)}
      >
        <summary>{title} as a table</summary>
        {isTable.value && <Values {...props} />}
      </details>
    </figure>
  );
}

/** The same numbers for those who do not see the chart, the newest first. */
function Values({ at, series, format }: Parameters<typeof Chart>[0]): VNode {
  const points = at.map((time, point) => ({ time, point })).reverse();
  return (
    <table>
      <thead>
        <tr>
          <th>Time</th>
          {series.map(({ label }) => (
            <th key={label}>{label}</th>
          ))}
        </tr>
      </thead>
      <tbody>
        {points.map(({ time, point }) => (
          <tr key={time}>
            <td>{new Date(time * 1_000).toTimeString().slice(0, 8)}</td>
            {series.map(({ label, values }) => (
              <td key={label}>{textOf(values[point], format)}</td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function textOf(value: number | null | undefined, format: (value: number) => string): string {
  return value === null || value === undefined ? "–" : format(value);
}

function dataOf(at: readonly number[], series: readonly Series[]): uPlot.AlignedData {
  return [[...at], ...series.map(({ values }) => [...values])];
}

function optionsOf(
  { series, format }: Pick<Parameters<typeof Chart>[0], "series" | "format">,
  target: HTMLElement,
  index: { value: number | null },
): uPlot.Options {
  const style = getComputedStyle(target);
  const line = style.borderTopColor;
  const axis = {
    stroke: style.color,
    font: FONT,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
  };
  return {
    width: target.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: SYNC }, points: { size: 6 }, y: false, drag: { x: false, y: false } },
    padding: [8, 4, 0, 0],
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, grid: { show: false }, size: 24, space: 64, values: timeLabels },
      { ...axis, size: 56, space: 28, values: (_plot, at) => at.map((value) => format(value)) },
    ],
    series: [
      {},
      ...series.map(({ tone }) => {
        const stroke = toneColor(target, tone);
        const isArea = tone === "calls" || tone === "memory";
        return {
          stroke,
          width: 1.5,
          points: { show: false },
          ...(isArea && { fill: `color-mix(in srgb, ${stroke} 12%, transparent)` }),
        };
      }),
    ],
    hooks: {
      setCursor: [
        ({ cursor }) => {
          index.value = cursor.idx ?? null;
        },
      ],
    },
  };
}

function timeLabels(_plot: uPlot, at: number[]): string[] {
  return at.map((seconds) => new Date(seconds * 1_000).toTimeString().slice(0, 5));
}

/** A canvas has no custom properties: the legend's color is read. */
function toneColor(target: HTMLElement, tone: Series["tone"]): string {
  const swatch = target.parentElement?.querySelector(`.tone-${tone} i`);
  return swatch == null ? "gray" : getComputedStyle(swatch).backgroundColor;
}
