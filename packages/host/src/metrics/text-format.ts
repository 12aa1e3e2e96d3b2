import { boundsMs, type Exemplar, type Histogram } from "./histogram.ts";

/** A metric, apart from its values. docs/reference/metrics.md has the same table. */
export interface Description {
  /** Counters end in `_total`. */
  readonly name: string;
  readonly type: "counter" | "gauge" | "histogram";
  readonly labels: readonly string[];
  readonly help: string;
}

/** A value with its labels, as `labelsText` writes them. */
export type Sample = readonly [labels: string, value: number | Histogram];

/** A metric with its values. undefined stands for a step without a value, so that a long search is interrupted too. */
export interface Metric extends Description {
  samples(): Iterable<Sample | undefined>;
}

export type TextFormat = "prometheus" | "openMetrics";

export const contentTypes: Readonly<Record<TextFormat, string>> = {
  prometheus: "text/plain; version=0.0.4; charset=utf-8",
  openMetrics: "application/openmetrics-text; version=1.0.0; charset=utf-8",
};

/** The format for a caller, by its Accept header. */
export function acceptedFormat(accept: string | undefined): TextFormat {
  return accept?.includes("application/openmetrics-text") === true ? "openMetrics" : "prometheus";
}

/** Upper bounds of the buckets that are shown, in seconds, as they are written. Each is one of the histogram's. */
const shownBounds = [
  "0.0005",
  "0.001",
  "0.0025",
  "0.005",
  "0.01",
  "0.025",
  "0.05",
  "0.1",
  "0.25",
  "0.5",
  "1.0",
  "2.5",
  "5.0",
  "10.0",
  "30.0",
  "60.0",
] as const;

/** The last bucket that each of them includes. */
export const shownBuckets: readonly { readonly bound: string; readonly bucket: number }[] =
  shownBounds.map((bound) => ({ bound, bucket: boundsMs.indexOf(Number(`${bound}e3`)) }));

/** A slice ends after so many characters, or steps: each takes less than a millisecond. */
const SLICE_LENGTH = 32 * 1024;
const SLICE_STEPS = 500;

/** The text of all metrics, in slices, also empty ones. Between two of them, the caller lets other work go on. */
export function* writeMetrics(metrics: Iterable<Metric>, format: TextFormat): Generator<string> {
  let text = "";
  let steps = 0;
  for (const metric of metrics) {
    let hasHead = false;
    for (const sample of metric.samples()) {
      if (sample !== undefined) {
        if (!hasHead) text += head(metric, format);
        hasHead = true;
        text += lines(metric.name, sample, format);
      }
      steps++;
      if (steps < SLICE_STEPS && text.length < SLICE_LENGTH) continue;
      yield text;
      text = "";
      steps = 0;
    }
  }
  yield format === "openMetrics" ? `${text}# EOF\n` : text;
}

function head({ name, type, help }: Description, format: TextFormat): string {
  const of = format === "openMetrics" && type === "counter" ? name.replace(/_total$/, "") : name;
  return `# HELP ${of} ${help}\n# TYPE ${of} ${type}\n`;
}

function lines(name: string, [labels, value]: Sample, format: TextFormat): string {
  if (typeof value === "number") return line(name, labels, value);
  const before = labels === "" ? "" : `${labels},`;
  const { counts } = value;
  let text = "";
  let count = 0;
  let next = 0;
  const addBucket = (bound: string, last: number): void => {
    const first = next;
    for (; next <= last; next++) count += counts[next] ?? 0;
    const exemplar = format === "openMetrics" ? value.exemplar(first, last) : undefined;
    text += line(`${name}_bucket`, `${before}le="${bound}"`, count, exemplar);
  };
  for (const { bound, bucket } of shownBuckets) addBucket(bound, bucket);
  addBucket("+Inf", counts.length - 1);
  return `${text}${line(`${name}_sum`, labels, value.sumMs / 1_000)}${line(`${name}_count`, labels, count)}`;
}

function line(name: string, labels: string, value: number, exemplar?: Exemplar): string {
  const series = labels === "" ? name : `${name}{${labels}}`;
  return `${series} ${value}${exemplar === undefined ? "" : exemplarText(exemplar)}\n`;
}

function exemplarText({ traceId, ms, at }: Exemplar): string {
  return ` # {trace_id="${traceId}"} ${ms / 1_000} ${at / 1_000}`;
}
