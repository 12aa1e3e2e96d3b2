import type { ServiceOrder, ServiceQuery, ServiceRow } from "@leveros/protocol";
import type { VNode } from "preact";
import { useWatched } from "../../data/hooks.ts";
import { count, duration, rate, share } from "../../format.ts";
import { openDeploy } from "../../frame/drop.tsx";
import { Failed } from "../../parts/empty.tsx";
import { Filter } from "../../parts/filter.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Segments } from "../../parts/segments.tsx";
import { Sparkline } from "../../parts/sparkline.tsx";
import { useVisibleRows } from "../../parts/visible-rows.ts";
import { environment, href, place, setQuery } from "../../route.ts";

const ROW = 30;
/** Rows above and below the visible ones. */
const MARGIN = 4;
/** The window moves in steps, so that scrolling asks seldom. */
const STEP = 10;
const WINDOW = 60;

type State = "all" | "awake" | "failing";
const states: readonly (readonly [State, string])[] = [
  ["all", "All"],
  ["awake", "Awake"],
  ["failing", "Failing"],
];

const columns: readonly (readonly [order: ServiceOrder | undefined, label: string, cls: string])[] =
  [
    ["service", "Service", "name"],
    ["version", "Version", "num w-s opt"],
    [undefined, "Last 5 min", "w-spark opt"],
    ["calls", "Calls", "num w-m"],
    ["p95", "p95", "num w-m"],
    ["errors", "Errors", "num w-m opt"],
    ["instances", "Instances", "num w-m opt"],
  ];

export function Services(): VNode {
  const { query } = place.value;
  const state = states.find(([known]) => known === query.get("state"))?.[0] ?? "all";
  const sort = columns.find(([known]) => known === query.get("sort"))?.[0] ?? "calls";
  const descending = query.get("order") !== "up" && (sort !== "service" || query.has("order"));
  const visible = useVisibleRows(ROW, () => document.getElementById("main"));
  const from = Math.max(0, Math.floor((visible.first - WINDOW / 4) / STEP) * STEP);
  const asked: ServiceQuery = {
    text: query.get("q") ?? "",
    ...(state !== "all" && { state }),
    sort,
    descending,
    from,
    count: WINDOW,
  };
  const { value, failure } = useWatched("findServices", [environment(), asked]);
  const found = value?.found ?? 0;
  return (
    <section class="list" aria-label="Services">
      <div class="tools">
        <Filter name="q" label="Filter services" />
        <Segments
          label="State"
          options={states}
          value={state}
          onChange={(to) => setQuery({ state: to === "all" ? "" : to })}
        />
        <span class="muted end">
          {found === value?.total
            ? `${count(found)} services`
            : `${count(found)} of ${count(value?.total ?? 0)}`}
        </span>
        <button type="button" class="quiet" onClick={openDeploy}>
          <Icon name="up" />
          Deploy…
        </button>
      </div>
      {failure !== undefined && <Failed {...failure} />}
      <table class="rows" aria-rowcount={found + 1}>
        <thead>
          <tr>
            {columns.map(([order, label, cls]) => (
              <Head key={label} {...{ order, label, cls, sort, descending }} />
            ))}
          </tr>
        </thead>
        <Rows
          place={visible.body}
          first={visible.first}
          visible={visible.count}
          found={found}
          from={value?.from ?? 0}
          rows={value?.rows ?? []}
        />
      </table>
      {value !== undefined && found === 0 && (
        <p class="muted none">No service matches. The filter looks at names and descriptions.</p>
      )}
    </section>
  );
}

function Head(props: {
  order: ServiceOrder | undefined;
  label: string;
  cls: string;
  sort: ServiceOrder;
  descending: boolean;
}): VNode {
  const { order, label, cls, sort, descending } = props;
  if (order === undefined) return <th class={cls}>{label}</th>;
  const isSorted = order === sort;
  const turn = (): void => {
    const next = isSorted ? !descending : order !== "service";
    setQuery({ sort: order, order: next ? "down" : "up" });
  };
  return (
    <th class={cls} aria-sort={isSorted ? (descending ? "descending" : "ascending") : undefined}>
      <button type="button" onClick={turn}>
        {label}
        {isSorted && <i class={descending ? "down" : "up"} />}
      </button>
    </th>
  );
}

/** Only the rows that can be seen are in the page. Those that the host has not sent yet are blank. */
function Rows(props: {
  place: { current: HTMLTableSectionElement | null };
  first: number;
  visible: number;
  found: number;
  from: number;
  rows: readonly ServiceRow[];
}): VNode {
  const { first, visible, found, from, rows } = props;
  const begin = Math.max(0, Math.min(first - MARGIN, found));
  const end = Math.min(found, first + visible + MARGIN);
  const shown = Array.from({ length: Math.max(0, end - begin) }, (_, index) => begin + index);
  return (
    <tbody ref={props.place}>
      <tr class="space" style={{ height: `${begin * ROW}px` }} />
      {shown.map((index) => (
        <Row key={index} index={index} row={rows[index - from]} />
      ))}
      <tr class="space" style={{ height: `${Math.max(0, found - end) * ROW}px` }} />
    </tbody>
  );
}

function Row({ index, row }: { index: number; row: ServiceRow | undefined }): VNode {
  if (row === undefined) {
    return (
      <tr aria-rowindex={index + 2}>
        <td colSpan={columns.length} />
      </tr>
    );
  }
  const { service, description, failing, instances, recent, callsPerSecond } = row;
  const errors = row.errorsPerSecond;
  const tone = failing !== undefined ? "err" : instances > 0 ? "ok" : "";
  const state = failing !== undefined ? `fails: ${failing}` : instances > 0 ? "awake" : "at zero";
  return (
    <tr aria-rowindex={index + 2} class="link">
      <td class="name">
        <i class={`dot ${tone}`} title={state} />
        <a data-row href={href(["s", service])} title={description}>
          {service}
        </a>
      </td>
      <td class="num opt muted">v{row.version}</td>
      <td class="opt">
        {recent !== undefined && <Sparkline values={recent} label={`Calls of ${service}`} />}
      </td>
      <td class={callsPerSecond > 0 ? "num" : "num muted"}>{rate(callsPerSecond)}</td>
      <td class={row.p95Ms === null ? "num muted" : "num"}>{duration(row.p95Ms)}</td>
      <td class={errors > 0 ? "num opt bad" : "num opt muted"}>{share(errors, callsPerSecond)}</td>
      <td class={instances > 0 ? "num opt" : "num opt muted"}>{count(instances)}</td>
    </tr>
  );
}
