import type { HostEvent } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useFeed } from "../../data/hooks.ts";
import { addNewest, type Newest, NOTHING } from "../../data/ring.ts";
import { count, moment } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Filter } from "../../parts/filter.tsx";
import { Segments } from "../../parts/segments.tsx";
import { environment, href, place, setQuery } from "../../route.ts";
import { Chip } from "../logs/logs.tsx";

const EVENTS_MAX = 500;

type Level = "info" | "warn" | "error";
const levels: readonly (readonly [Level, string])[] = [
  ["info", "All"],
  ["warn", "Warnings"],
  ["error", "Errors"],
];

export function EventsScreen(): VNode {
  return (
    <div class="screen">
      <h1 class="hidden">Events</h1>
      <Events />
    </div>
  );
}

/** The acts of the host, the newest first. */
export function Events({ service }: { service?: string }): VNode {
  const { query } = place.value;
  const level = levels.find(([known]) => known === query.get("level"))?.[0] ?? "info";
  const grep = query.get("q");
  const events = useSignal<Newest<HostEvent>>(NOTHING);
  const filter = { level, max: EVENTS_MAX, ...(grep !== undefined && grep !== "" && { grep }) };
  const of = service ?? query.get("service") ?? null;
  const failure = useFeed("watchEventsChan", [environment(), of, filter], {
    restart() {
      events.value = NOTHING;
    },
    messages(messages) {
      const found = (messages as readonly (HostEvent | { readonly dropped: number })[]).filter(
        (message): message is HostEvent => "event" in message,
      );
      events.value = addNewest(events.value, found, EVENTS_MAX);
    },
  });
  if (failure !== undefined) return <Failed {...failure} />;
  const { items, from } = events.value;
  const shown = items.map((event, index) => ({ event, key: from + index })).reverse();
  return (
    <section class="list" aria-label="Events">
      <div class="tools">
        <Filter name="q" label="Find in events" />
        <Segments
          label="Level"
          options={levels}
          value={level}
          onChange={(to) => setQuery({ level: to === "info" ? "" : to })}
        />
        {service === undefined && <Chip name="service" />}
        <span class="muted end">{count(items.length)} events</span>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="w-moment">Time</th>
            <th class="w-event">Event</th>
            <th class="w-l opt">Service</th>
            <th class="opt">Fields</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(({ event, key }) => (
            <Row key={key} event={event} />
          ))}
        </tbody>
      </table>
      {shown.length === 0 && <p class="none muted">No event matches.</p>}
    </section>
  );
}

function Row({ event: of }: { event: HostEvent }): VNode {
  const { at, level, part, event, environment: _of, service, ...fields } = of;
  const all = Object.entries(fields);
  const shown = all.map(([name, value]) => (
    <span key={name} class="field">
      <span class="muted">{name}</span> {textOf(value)}
    </span>
  ));
  const tone = level === "error" ? "err" : level === "warn" ? "warn" : "";
  return (
    <tr>
      <td class="w-moment tabular">
        <time dateTime={at} title={at}>
          {moment(at)}
        </time>
      </td>
      <td class="name">
        <i class={`dot ${tone}`} title={level} />
        {event} <span class="muted">{part}</span>
      </td>
      <td class="opt">{service !== undefined && <a href={href(["s", service])}>{service}</a>}</td>
      <td class="opt cut" title={all.map(([name, value]) => `${name} ${textOf(value)}`).join("\n")}>
        {shown}
      </td>
    </tr>
  );
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : JSON.stringify(value);
}
