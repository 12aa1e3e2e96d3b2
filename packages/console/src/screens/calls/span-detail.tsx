import type { ComponentChildren, VNode } from "preact";
import { bytes, duration } from "../../format.ts";
import { Copy } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { href } from "../../route.ts";
import { OfCall } from "../logs/log-detail.tsx";
import type { TraceRow } from "./trace-rows.ts";

type Field = readonly [name: string, value: ComponentChildren];

/** A row of a trace with all that is known of it. */
export function SpanDetail({ row, onClose }: { row: TraceRow; onClose: () => void }): VNode {
  const { name, call, span, isBad } = row;
  const fields = span === undefined ? callFields(row) : spanFields(row);
  return (
    <aside class="detail" aria-label="The chosen row">
      <div class="head">
        <h2>{name}</h2>
        <button type="button" class="plain" onClick={onClose}>
          <Icon name="close" />
          <span class="hidden">Close</span>
        </button>
      </div>
      {isBad && <pre class="record bad">{span?.message ?? call.error ?? call.outcome}</pre>}
      <dl class="fields">
        {fields.map(([label, value]) => (
          <>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </>
        ))}
      </dl>
      <div class="actions">
        <Copy text={call.id} label="Copy id" />
        <a class="quiet" href={href(["logs"], { call: call.id })}>
          <Icon name="lines" />
          Logs
        </a>
      </div>
      {span === undefined && <OfCall call={call.id} />}
    </aside>
  );
}

function callFields({ call, waitMs }: TraceRow): readonly Field[] {
  const { id, service, version, instance, caller, outcome, ms, start, bodyBytes } = call;
  return [
    ["call", id],
    ["outcome", outcome.replaceAll("_", " ")],
    ["duration", duration(ms)],
    ...(waitMs > 0 ? [["waited", duration(waitMs)] as const] : []),
    ...(start === undefined
      ? []
      : [
          [
            start.isWarm ? "warm start" : "cold start",
            `prepare ${duration(start.prepareMs)}, launch ${duration(start.launchMs)}, load ${duration(start.loadMs)}`,
          ] as const,
        ]),
    ["service", <a key="s" href={href(["s", service])}>{`${service} v${version ?? "?"}`}</a>],
    ["instance", instance ?? "none"],
    ["caller", caller ?? "outside"],
    ["arguments", bytes(bodyBytes)],
  ];
}

function spanFields({ span, ms, startMs }: TraceRow): readonly Field[] {
  const attributes = Object.entries(span?.attributes ?? {});
  return [
    ["starts after", duration(startMs)],
    ["duration", duration(ms)],
    ...(span?.scope === undefined ? [] : [["tracer", span.scope] as const]),
    ...attributes.map(([name, value]) => [name, String(value)] as const),
  ];
}
