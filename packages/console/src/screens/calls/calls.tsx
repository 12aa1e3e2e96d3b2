import type { CallFilter, CallRecord } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useCalled, useFeed } from "../../data/hooks.ts";
import { addNewest, type Newest, NOTHING } from "../../data/ring.ts";
import { count, duration, timeOfDay } from "../../format.ts";
import { Density } from "../../parts/density.tsx";
import { Failed } from "../../parts/empty.tsx";
import { Icon } from "../../parts/icon.tsx";
import { Segments } from "../../parts/segments.tsx";
import { environment, href, place, setQuery } from "../../route.ts";
import { Chip } from "../logs/logs.tsx";
import { isBad } from "./trace-rows.ts";

const CALLS_MAX = 300;
const SLOW_MS = 100;
/** The length of a bar grows with the logarithm: from a tenth of a millisecond to ten seconds. */
const DECADES = 5;

type Kind = "all" | "errors" | "slow";
const kinds: readonly (readonly [Kind, string])[] = [
  ["all", "All"],
  ["errors", "Errors"],
  ["slow", `Slower than ${SLOW_MS} ms`],
];

export function CallsScreen(): VNode {
  return (
    <div class="screen">
      <h1 class="hidden">Calls</h1>
      <Calls />
    </div>
  );
}

/** Calls as they end, the newest first. */
export function Calls({ service }: { service?: string }): VNode {
  const { query } = place.value;
  const kind = kinds.find(([known]) => known === query.get("kind"))?.[0] ?? "all";
  const of = service ?? query.get("service");
  const filter: CallFilter = {
    ...(of !== undefined && { service: of }),
    ...(kind === "errors" && { errors: true }),
    ...(kind === "slow" && { slowerThanMs: SLOW_MS }),
  };
  const past = useCalled("listCalls", [environment(), { ...filter, limit: CALLS_MAX }]);
  const live = useSignal<Newest<CallRecord>>(NOTHING);
  const lost = useSignal(0);
  const isPaused = useSignal(false);
  const failure = useFeed("watchCallsChan", [environment(), filter], {
    restart() {
      live.value = NOTHING;
      lost.value = 0;
    },
    messages(messages) {
      if (isPaused.value) return;
      const found = messages as readonly (CallRecord | { readonly lost: number })[];
      for (const message of found) if ("lost" in message) lost.value += message.lost;
      const calls = found.filter((message) => "id" in message);
      live.value = addNewest(live.value, calls, CALLS_MAX);
    },
  });
  const failed = failure ?? past.failure;
  if (failed !== undefined) return <Failed {...failed} />;
  const known = new Set(live.value.items.map(({ id }) => id));
  const earlier = (past.value ?? []).filter(({ id }) => !known.has(id));
  const shown = [...earlier, ...live.value.items].slice(-CALLS_MAX).reverse();
  const byStart = [...shown].sort((a, b) => (a.at < b.at ? -1 : 1));
  const jump = (call: CallRecord): void => {
    document.querySelectorAll<HTMLElement>("[data-row]")[shown.indexOf(call)]?.focus();
  };
  return (
    <section class="list" aria-label="Calls">
      <div class="tools">
        <Segments
          label="Kind"
          options={kinds}
          value={kind}
          onChange={(to) => setQuery({ kind: to === "all" ? "" : to })}
        />
        {service === undefined && <Chip name="service" />}
        <span class="muted end">
          the last {count(shown.length)}
          {lost.value > 0 && `; ${count(lost.value)} more were not shown`}
        </span>
        <button
          type="button"
          class="quiet"
          data-pause
          aria-pressed={isPaused.value}
          onClick={() => (isPaused.value = !isPaused.value)}
        >
          <Icon name={isPaused.value ? "play" : "pause"} />
          {isPaused.value ? "Resume" : "Pause"}
        </button>
      </div>
      <Density label="Calls" items={byStart} isBad={isBad} onJump={jump} />
      <table class="rows">
        <thead>
          <tr>
            <th class="w-time">Time</th>
            <th class="name">Method</th>
            <th class="w-l opt">Outcome</th>
            <th class="w-spark opt">Duration</th>
            <th class="num w-m">
              <span class="hidden">Milliseconds</span>
            </th>
            <th class="num w-m opt">Waited</th>
            <th class="w-m opt">From</th>
          </tr>
        </thead>
        <tbody>
          {shown.map((call) => (
            <Row key={call.id} call={call} />
          ))}
        </tbody>
      </table>
      {past.value !== undefined && shown.length === 0 && (
        <p class="none muted">No call has ended that matches.</p>
      )}
    </section>
  );
}

function Row({ call }: { call: CallRecord }): VNode {
  const { id, service, method, resource, at, ms, outcome, waitMs, caller } = call;
  const bad = isBad(call);
  return (
    <tr class="link">
      <td class="w-time">
        <time dateTime={at} title={at}>
          {timeOfDay(at)}
        </time>
      </td>
      <td class="name">
        <i class={bad ? "dot err" : "dot ok"} title={outcome} />
        <a data-row href={href(["trace", id])}>
          {service}
          {resource === undefined ? "" : `/${resource}`}
          <span class="muted">/</span>
          {method}
        </a>
      </td>
      <td class={bad ? "opt bad" : "opt muted"}>{outcome.replaceAll("_", " ")}</td>
      <td class="opt">
        <svg class="ms-bar" viewBox="0 0 100 6" preserveAspectRatio="none" aria-hidden="true">
          <rect class="track" width="100" height="6" />
          <rect class={bad ? "bad" : ""} width={lengthOf(ms)} height="6" />
        </svg>
      </td>
      <td class="num">{duration(ms)}</td>
      <td class="num opt muted">{waitMs === undefined ? "" : duration(waitMs)}</td>
      <td class="opt muted">{caller ?? "outside"}</td>
    </tr>
  );
}

function lengthOf(ms: number): number {
  const decades = Math.log10(Math.max(ms, 0.1)) + 1;
  return Math.max(2, Math.min(100, (decades / DECADES) * 100));
}
