import type { LogFilter, LogMessage, LogRecord } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useFeed } from "../../data/hooks.ts";
import { addNewest, type Newest, NOTHING } from "../../data/ring.ts";
import { count } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Filter } from "../../parts/filter.tsx";
import { Icon } from "../../parts/icon.tsx";
import { save } from "../../parts/save.ts";
import { Segments } from "../../parts/segments.tsx";
import { environment, place, setQuery } from "../../route.ts";
import { LogDetail } from "./log-detail.tsx";
import { LogLines } from "./log-lines.tsx";

const RECORDS_MAX = 5_000;
const FIRST = 500;

type Level = "debug" | "info" | "warn" | "error";
const levels: readonly (readonly [Level, string])[] = [
  ["debug", "All"],
  ["info", "Info"],
  ["warn", "Warn"],
  ["error", "Error"],
];

export function LogsScreen(): VNode {
  return (
    <div class="screen fill">
      <h1 class="hidden">Logs</h1>
      <Logs />
    </div>
  );
}

/** The output of the services of the environment, or of one of them. */
export function Logs({ service }: { service?: string }): VNode {
  const { query } = place.value;
  const level = levels.find(([known]) => known === query.get("level"))?.[0] ?? "debug";
  const records = useSignal<Newest<LogRecord>>(NOTHING);
  const waiting = useSignal<readonly LogRecord[]>([]);
  const dropped = useSignal(0);
  const isPaused = useSignal(false);
  const chosen = useSignal<LogRecord | undefined>(undefined);
  const filter: LogFilter = {
    max: FIRST,
    ...(level !== "debug" && { level }),
    ...fieldOf("service", service ?? query.get("service")),
    ...fieldOf("instance", query.get("instance")),
    ...fieldOf("call", query.get("call")),
    ...fieldOf("grep", query.get("q")),
  };
  const failure = useFeed("watchLogsChan", [environment(), filter], {
    restart() {
      records.value = NOTHING;
      waiting.value = [];
    },
    messages(messages) {
      const found = messages as readonly LogMessage[];
      const lines = found.filter((message) => "text" in message);
      for (const message of found) {
        if (!("text" in message) && "dropped" in message) dropped.value += message.dropped;
      }
      if (isPaused.value) waiting.value = [...waiting.value, ...lines].slice(-RECORDS_MAX);
      else records.value = addNewest(records.value, lines, RECORDS_MAX);
    },
  });
  const pause = (): void => {
    isPaused.value = !isPaused.value;
    if (isPaused.value) return;
    records.value = addNewest(records.value, waiting.value, RECORDS_MAX);
    waiting.value = [];
  };
  return (
    <section class="logs" aria-label="Log records">
      <div class="tools">
        <Filter name="q" label="Find in the text" />
        <Segments
          label="Level"
          options={levels}
          value={level}
          onChange={(to) => setQuery({ level: to === "debug" ? "" : to })}
        />
        {service === undefined && <Chip name="service" />}
        <Chip name="instance" />
        <Chip name="call" />
        <span class="end muted">
          {dropped.value > 0 && `${count(dropped.value)} lost, `}
          {count(records.value.items.length)} records
        </span>
        <button
          type="button"
          class="quiet"
          data-pause
          aria-pressed={isPaused.value}
          onClick={pause}
        >
          <Icon name={isPaused.value ? "play" : "pause"} />
          {isPaused.value ? `Resume, ${count(waiting.value.length)} new` : "Pause"}
        </button>
        <button type="button" class="quiet" onClick={() => saveRecords(records.value.items)}>
          <Icon name="save" />
          Save
        </button>
      </div>
      {failure !== undefined ? (
        <Failed {...failure} />
      ) : (
        <div class="with-detail">
          <LogLines
            records={records.value}
            hasService={service === undefined}
            chosen={chosen.value}
            onChoose={(record) => (chosen.value = record)}
          />
          {chosen.value !== undefined && (
            <LogDetail record={chosen.value} onClose={() => (chosen.value = undefined)} />
          )}
        </div>
      )}
    </section>
  );
}

function fieldOf<Name extends string>(
  name: Name,
  value: string | undefined,
): { readonly [Key in Name]?: string } {
  return value === undefined || value === ""
    ? {}
    : ({ [name]: value } as { readonly [Key in Name]: string });
}

/** A field of the filter that is set, and can be removed. */
export function Chip({ name }: { name: string }): VNode | null {
  const value = place.value.query.get(name);
  if (value === undefined) return null;
  return (
    <button type="button" class="chip" onClick={() => setQuery({ [name]: "" })}>
      {name}: {value}
      <Icon name="close" />
      <span class="hidden">Remove</span>
    </button>
  );
}

/** Saves the records as the command prints them with --json. */
function saveRecords(records: readonly LogRecord[]): void {
  const lines = records.map((record) => `${JSON.stringify(record)}\n`);
  save(new Blob(lines, { type: "application/x-ndjson" }), `${environment()}.ndjson`);
}
