import { type Figure, rounded } from "./figure.ts";

const WIDTH = 720;
const LABEL = 200;
const BAR = 22;
const GAP = 8;
const TOP = 34;
const NUMBERS = 90;

/** A chart of bars as an SVG file's text: each bar the median, a line over it the smallest and greatest. */
export function barChart(title: string, figures: readonly Figure[]): string {
  const most = Math.max(
    ...figures.flatMap(({ value, samples = [] }) => [Number(value), ...samples]),
  );
  const scale = (WIDTH - LABEL - NUMBERS) / (most || 1);
  const bars = figures.map(({ value, samples = [], bar }, index) => {
    const y = TOP + index * (BAR + GAP);
    const label = bar?.label ?? "";
    const width = Number(value) * scale;
    const [low, high] = [Math.min(...samples), Math.max(...samples)];
    const middle = y + BAR / 2;
    const colour = label.startsWith("Lever") ? "#2563eb" : "#94a3b8";
    return [
      `<text x="${LABEL - 8}" y="${middle}" text-anchor="end">${escapeXml(label)}</text>`,
      `<rect x="${LABEL}" y="${y}" width="${width.toFixed(1)}" height="${BAR}" fill="${colour}"/>`,
      ...(samples.length < 2
        ? []
        : [
            `<path d="M${(LABEL + low * scale).toFixed(1)} ${middle}H${(LABEL + high * scale).toFixed(1)}" stroke="#0f172a"/>`,
          ]),
      `<text x="${(LABEL + Math.max(width, high > 0 ? high * scale : 0) + 6).toFixed(1)}" y="${middle}">${rounded(Number(value))}</text>`,
    ].join("");
  });
  const height = TOP + figures.length * (BAR + GAP);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${height}" width="${WIDTH}" font-family="sans-serif" font-size="13">`,
    `<rect width="100%" height="100%" fill="#ffffff"/>`,
    `<g dominant-baseline="central" fill="#0f172a">`,
    `<text x="8" y="${TOP / 2}" font-weight="bold">${escapeXml(title)}</text>`,
    ...bars,
    "</g></svg>",
    "",
  ].join("\n");
}

const escapeXml = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
