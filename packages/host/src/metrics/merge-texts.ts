import { labelsText } from "./labels.ts";

const HEAD = "# HELP ";
const END = "# EOF\n";
/** The name at the beginning of a line with a value, and the bracket of its labels. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(\{)?/gm;

/** The metrics of a host as text. */
export interface HostText {
  readonly host: string;
  readonly text: string;
}

/**
 * One text of the metrics of several hosts, in slices of one host's values of one metric. Each value gets the label `host`. All
 * values of a metric stand together, as the formats require.
 */
export function* mergeTexts(texts: readonly HostText[]): Generator<string> {
  const metrics = new Map<string, { readonly head: string; readonly values: HostText[] }>();
  for (const { host, text } of texts) {
    for (const { head, values } of metricsOf(text)) {
      const known = metrics.get(head) ?? { head, values: [] };
      metrics.set(head, known);
      known.values.push({ host, text: values });
    }
  }
  for (const { head, values } of metrics.values()) {
    yield head;
    for (const { host, text } of values) yield withHost(text, host);
  }
  if (texts.some(({ text }) => text.endsWith(END))) yield END;
}

function withHost(values: string, host: string): string {
  const label = labelsText({ host });
  return values.replace(SAMPLE, (_, name: string, bracket?: string) =>
    bracket === undefined ? `${name}{${label}}` : `${name}{${label},`,
  );
}

/** Cuts a text into its metrics: the two lines of comments, and the values. */
function* metricsOf(text: string): Generator<{ readonly head: string; readonly values: string }> {
  let at = text.startsWith(HEAD) ? 0 : -1;
  while (at !== -1) {
    const next = text.indexOf(`\n${HEAD}`, at);
    const metric = text.slice(at, next === -1 ? text.length : next + 1);
    const typeAt = metric.indexOf("\n") + 1;
    const valuesAt = metric.indexOf("\n", typeAt) + 1;
    const values = metric.slice(valuesAt);
    const isLast = values.endsWith(END);
    yield {
      head: metric.slice(0, valuesAt),
      values: isLast ? values.slice(0, -END.length) : values,
    };
    at = next === -1 ? -1 : next + 1;
  }
}
