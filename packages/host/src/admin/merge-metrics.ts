import { metricTable } from "../metrics/descriptions.ts";
import { type HostText, mergeTexts } from "../metrics/merge-texts.ts";
import { writeMetrics } from "../metrics/text-format.ts";
import type { StreamMerge } from "./method-table.ts";
import type { HostStream } from "./open-all.ts";

/** Hosts that take longer are left out. */
const ANSWER_MS = 2_000;
/** The text of one host. Of a longer one, nothing is shown. */
const TEXT_BYTES_MAX = 32 * 1024 * 1024;

/** Sends one text with the metrics of all hosts, and for each host whether it has answered. */
export const mergeMetrics: StreamMerge = async (streams, { stream, clock }) => {
  const timer = clock.setTimeout(() => {
    for (const one of streams) one.destroy();
  }, ANSWER_MS);
  const texts = await Promise.all(streams.map(textOf));
  clock.clearTimeout(timer);
  const given = texts.filter(({ text }) => text !== "");
  const failure = streams.find((one) => one.failure !== undefined)?.failure;
  if (given.length === 0 && failure !== undefined) throw failure;
  const about: HostText[] = texts.map(({ host, text }) => ({
    host,
    text: [
      ...writeMetrics(
        [{ ...metricTable.hostAnswered, samples: () => [["", text === "" ? 0 : 1]] }],
        "prometheus",
      ),
    ].join(""),
  }));
  for (const slice of mergeTexts([...about, ...given])) {
    if (!stream.write(Buffer.from(slice))) await stream.drained();
    if (stream.destroyed) return;
    // Calls go on between two slices.
    await new Promise(setImmediate);
  }
};

/** `""` = it has not answered in time. */
async function textOf(stream: HostStream): Promise<HostText> {
  const { host } = stream;
  const parts: Uint8Array[] = [];
  let bytes = 0;
  try {
    for await (const part of stream) {
      if (!(part instanceof Uint8Array)) return { host, text: "" };
      bytes += part.length;
      if (bytes > TEXT_BYTES_MAX) return { host, text: "" };
      parts.push(part);
    }
  } catch {
    return { host, text: "" };
  }
  const isWhole = stream.endedBecause === undefined && !stream.errored;
  return { host, text: isWhole ? Buffer.concat(parts).toString() : "" };
}
