import type { ScalingReason, ScalingRecord } from "@leveros/protocol";
import type { VNode } from "preact";
import { useWatched } from "../../data/hooks.ts";
import { duration, timeOfDay } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { environment } from "../../route.ts";

const EVERY_MS = 2_000;

const reasons: Readonly<Record<ScalingReason, string>> = {
  load: "its calls need so many",
  recentLoad: "its calls needed so many a short time ago",
  idleTimeout: "it was used a short time ago",
  idle: "nobody calls it",
  minInstances: "lever.json asks for so many at least",
  maxInstances: "lever.json allows no more",
  draining: "this host is drained",
};

/** Why a service has as many instances as it has. */
export function Scaling({ service }: { service: string }): VNode {
  const { value, failure } = useWatched("explainService", [environment(), service], EVERY_MS);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div aria-busy="true" />;
  const { now, maxInstanceLoad, minInstances, maxInstances, lastError } = value;
  return (
    <section class="list" aria-label="Scaling">
      <p class="lead">
        <b>
          {now.wanted} {now.wanted === 1 ? "instance" : "instances"}
        </b>
        , because {reasons[now.reason]}: {now.callsInFlight + now.callsWaiting} calls ÷{" "}
        {maxInstanceLoad} for each = {now.needed}.
        {now.blockedBy === "memory" && " More do not fit into the host's memory."}
        {now.blockedBy === "backoff" && " The last starts have failed, so the next one waits."}
      </p>
      <p class="muted">
        {minInstances} to {maxInstances} instances; fewer after {duration(value.scaleDownAfterMs)}{" "}
        of less load, none after {duration(value.idleTimeoutMs)} without calls.
      </p>
      {lastError !== null && <pre class="record bad">{lastError}</pre>}
      <table class="rows">
        <thead>
          <tr>
            <th class="w-time">Time</th>
            <th class="name">Decision</th>
            <th class="num w-m opt">In flight</th>
            <th class="num w-m opt">Waiting</th>
            <th class="num w-m opt">Needed</th>
            <th class="num w-m">Wanted</th>
            <th class="num w-m opt">Running</th>
          </tr>
        </thead>
        <tbody>
          {[...value.records].reverse().map((record) => (
            <Row key={record.at} record={record} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Row({ record }: { record: ScalingRecord }): VNode {
  const { at, reason, callsInFlight, callsWaiting, needed, wanted, running, blockedBy } = record;
  return (
    <tr>
      <td class="w-time tabular">{timeOfDay(at)}</td>
      <td class="name">
        {reasons[reason]}
        {blockedBy !== null && <span class="bad">, held by {blockedBy}</span>}
      </td>
      <td class="num opt">{callsInFlight}</td>
      <td class="num opt">{callsWaiting}</td>
      <td class="num opt">{needed}</td>
      <td class="num">{wanted}</td>
      <td class="num opt">{running}</td>
    </tr>
  );
}
