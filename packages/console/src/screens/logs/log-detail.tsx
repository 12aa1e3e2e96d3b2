import type { LogRecord } from "@leveros/protocol";
import type { VNode } from "preact";
import { useCalled } from "../../data/hooks.ts";
import { timeOfDay } from "../../format.ts";
import { ColoredText } from "../../parts/colored-text.tsx";
import { Copy } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { environment, href } from "../../route.ts";

/** One record as a whole, and what the same call has printed. */
export function LogDetail({ record, onClose }: { record: LogRecord; onClose: () => void }): VNode {
  const { at, level, service, version, instance, call, stream, text } = record;
  return (
    <aside class="detail" aria-label="The record">
      <div class="head">
        <h2>
          <span class={`level ${level}`}>{level}</span> {service}
        </h2>
        <button type="button" class="plain" onClick={onClose}>
          <Icon name="close" />
          <span class="hidden">Close</span>
        </button>
      </div>
      <pre class="record">
        <ColoredText text={unfolded(text)} />
      </pre>
      <dl class="fields">
        <dt>time</dt>
        <dd>{at}</dd>
        <dt>version</dt>
        <dd>{version}</dd>
        <dt>instance</dt>
        <dd>
          <a href={href(["logs"], { instance })}>{instance}</a>
        </dd>
        <dt>stream</dt>
        <dd>{stream ?? "written by Lever"}</dd>
        {call !== undefined && (
          <>
            <dt>call</dt>
            <dd>
              <a href={href(["trace", call])}>{call}</a>
            </dd>
          </>
        )}
      </dl>
      <div class="actions">
        <Copy text={text} label="Copy text" />
        {call !== undefined && (
          <a class="quiet" href={href(["trace", call])}>
            <Icon name="bars" />
            Trace
          </a>
        )}
      </div>
      {call !== undefined && <OfCall call={call} />}
    </aside>
  );
}

/** The records of one call, of all services. */
export function OfCall({ call }: { call: string }): VNode | null {
  const { value } = useCalled("listLogs", [environment(), { call, max: 100 }]);
  const records = value?.records ?? [];
  if (records.length === 0) return null;
  return (
    <section class="of-call" aria-label="Records of the call">
      <h3>Records of this call</h3>
      <ol>
        {records.map(({ at, level, text }, index) => (
          <li key={index} class={level}>
            <time>{timeOfDay(at)}</time> <ColoredText text={text} />
          </li>
        ))}
      </ol>
    </section>
  );
}

/** JSON with a field on each line. */
function unfolded(text: string): string {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === "object" ? JSON.stringify(value, undefined, 2) : text;
  } catch {
    return text;
  }
}
