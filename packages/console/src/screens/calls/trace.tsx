import type { CallTrace } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useCalled } from "../../data/hooks.ts";
import { count, duration, moment } from "../../format.ts";
import { Copy } from "../../parts/copy.tsx";
import { Failed } from "../../parts/empty.tsx";
import { environment } from "../../route.ts";
import { SpanDetail } from "./span-detail.tsx";
import { type TraceRow, traceRows } from "./trace-rows.ts";

export function TraceScreen({ id }: { id: string }): VNode {
  const { value, failure } = useCalled("getTrace", [environment(), id]);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div class="screen" aria-busy="true" />;
  return <Trace key={id} trace={value} id={id} />;
}

function Trace({ trace, id }: { trace: CallTrace; id: string }): VNode {
  const rows = traceRows(trace.calls);
  const chosen = useSignal<string>(rows.find(({ call }) => call.id === id)?.key ?? "");
  const totalMs = Math.max(...rows.map(({ startMs, ms }) => startMs + ms), 0.001);
  const [first] = trace.calls;
  const failed = rows.filter(({ isBad, span }) => isBad && span === undefined).length;
  const detail = rows.find(({ key }) => key === chosen.value);
  return (
    <div class="screen fill">
      <header class="title">
        <h1>
          {first?.service}/{first?.method}
        </h1>
        <span class="muted">
          {first !== undefined && `${moment(first.at)}, `}
          {duration(totalMs)}, {count(trace.calls.length)} call{trace.calls.length > 1 && "s"}
          {failed > 0 && <b class="bad">, {count(failed)} failed</b>}
        </span>
        <span class="end actions">
          <Copy text={trace.traceId} label="Copy trace id" />
          <Copy text={JSON.stringify(trace, undefined, 2)} label="Copy as JSON" />
        </span>
      </header>
      <div class="with-detail">
        <table class="waterfall">
          <thead>
            <tr>
              <th class="name">Call</th>
              <th>
                <Scale totalMs={totalMs} />
              </th>
              <th class="num w-m">Time</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <Row
                key={row.key}
                row={row}
                totalMs={totalMs}
                isChosen={row.key === chosen.value}
                onChoose={() => (chosen.value = row.key)}
              />
            ))}
          </tbody>
        </table>
        {detail !== undefined && <SpanDetail row={detail} onClose={() => (chosen.value = "")} />}
      </div>
    </div>
  );
}

const MARKS = [0, 0.25, 0.5, 0.75];

function Scale({ totalMs }: { totalMs: number }): VNode {
  return (
    <span class="scale">
      {MARKS.map((part) => (
        <span key={part} style={{ left: `${part * 100}%` }}>
          {part === 0 ? "0" : duration(totalMs * part)}
        </span>
      ))}
    </span>
  );
}

const INDENT = 14;
const DEPTH_MAX = 12;
const LEAST_PERCENT = 0.4;

function Row(props: {
  row: TraceRow;
  totalMs: number;
  isChosen: boolean;
  onChoose: () => void;
}): VNode {
  const { row, totalMs, isChosen, onChoose } = props;
  const { name, depth, startMs, ms, waitMs, isBad, isRunning, span } = row;
  const percent = (of: number): string => `${Math.max((of / totalMs) * 100, 0)}%`;
  const width = `${Math.max((ms / totalMs) * 100, LEAST_PERCENT)}%`;
  const tone = isBad ? "bad" : span === undefined ? "" : "own";
  return (
    <tr class={isChosen ? "link chosen" : "link"}>
      <td class="name" style={{ paddingLeft: `${8 + Math.min(depth, DEPTH_MAX) * INDENT}px` }}>
        <button type="button" data-row onClick={onChoose} aria-pressed={isChosen}>
          {name}
        </button>
      </td>
      <td class="bars">
        <span class={`bar ${tone}`} style={{ left: percent(startMs), width }}>
          {waitMs > 0 && <span class="wait" style={{ width: `${(waitMs / ms) * 100}%` }} />}
        </span>
      </td>
      <td class={isBad ? "num bad" : "num"}>{isRunning ? "running" : duration(ms)}</td>
    </tr>
  );
}
