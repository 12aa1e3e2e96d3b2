import type { ResourceListing } from "@leveros/protocol";
import type { VNode } from "preact";
import { useWatched } from "../../data/hooks.ts";
import { count, duration } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Filter } from "../../parts/filter.tsx";
import { environment, href, place } from "../../route.ts";

const SHOWN_MAX = 100;
/** There may be 100,000, which the host looks through. */
const EVERY_MS = 2_000;

/** The resources of a service, and the instances that own them. */
export function Resources({ service }: { service: string }): VNode {
  const text = place.value.query.get("q") ?? "";
  const query = { text, count: SHOWN_MAX };
  const { value, failure } = useWatched("listResources", [environment(), service, query], EVERY_MS);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div aria-busy="true" />;
  if (value.total === 0) {
    return (
      <p class="none muted">
        No resource is in use. A call that names one, as in /{service}/name/method, gives it to an
        instance.
      </p>
    );
  }
  const { found, total, rows } = value;
  return (
    <section class="list" aria-label="Resources">
      <div class="tools">
        <Filter name="q" label="Filter resources" />
        <span class="muted end">
          {rows.length < found && `the first ${count(rows.length)}, `}
          {found === total ? count(total) : `${count(found)} of ${count(total)}`} resources
        </span>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Resource</th>
            <th class="w-l">State</th>
            <th class="opt">Owner</th>
            <th class="num w-m opt">Epoch</th>
            <th class="num w-m">Calls</th>
            <th class="num w-m opt">Streams</th>
            <th class="num w-m opt">Waiting</th>
            <th class="num w-m">Unused for</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <Row key={row.resource} row={row} />
          ))}
        </tbody>
      </table>
      {found === 0 && <p class="none muted">No resource has this in its name.</p>}
    </section>
  );
}

function Row({ row }: { row: ResourceListing }): VNode {
  const { resource, instance, epoch, state, calls, streams, callsWaiting, idleMs } = row;
  const isOpen = state === "open";
  return (
    <tr>
      <td class="name mono" title={resource}>
        <i class={isOpen ? "dot ok" : "dot warn"} title={state} />
        {resource}
      </td>
      <td class={isOpen ? "muted" : ""}>{state}</td>
      <td class="opt cut">
        {instance !== undefined && <a href={href(["logs"], { instance })}>{instance}</a>}
      </td>
      <td class="num opt muted">{epoch === 0 ? "" : count(epoch)}</td>
      <td class="num">{count(calls)}</td>
      <td class="num opt">{count(streams)}</td>
      <td class={callsWaiting > 0 ? "num opt bad" : "num opt muted"}>{count(callsWaiting)}</td>
      <td class="num muted">{calls + streams > 0 ? "in use" : duration(idleMs)}</td>
    </tr>
  );
}
