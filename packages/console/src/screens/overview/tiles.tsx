import type { Overview } from "@leveros/protocol";
import type { ComponentChildren, VNode } from "preact";
import { bytes, count, duration, rate, share } from "../../format.ts";

const MB = 1e6;

export function Tiles({ overview }: { overview: Overview }): VNode {
  const { services, awake, failing, instances, callsPerSecond, errorsPerSecond } = overview;
  const { p50Ms, p95Ms, callsInFlight, callsWaiting, memory } = overview;
  return (
    <section class="tiles" aria-label="Now">
      <Tile label="Services" value={count(services)} isBad={failing > 0}>
        {failing > 0 ? `${count(failing)} failing, ` : ""}
        {count(awake)} awake
      </Tile>
      <Tile label="Calls" value={rate(callsPerSecond)} isBad={errorsPerSecond > 0}>
        {share(errorsPerSecond, callsPerSecond)} errors
      </Tile>
      <Tile label="Duration, p95" value={duration(p95Ms)}>
        {duration(p50Ms)} p50
      </Tile>
      <Tile label="In flight" value={count(callsInFlight)} isBad={callsWaiting > 0}>
        {count(callsWaiting)} waiting
      </Tile>
      <Tile label="Instances" value={count(instances)}>
        {bytes(memory.instancesBytes)} in use
      </Tile>
      <Tile label="Memory of the host" value={bytes(memory.ramReserved * MB)}>
        of {bytes(memory.ramMax * MB)} reserved
      </Tile>
    </section>
  );
}

export function Tile(props: {
  label: string;
  value: string;
  isBad?: boolean;
  children: ComponentChildren;
}): VNode {
  const { label, value, isBad = false, children } = props;
  return (
    <div class={isBad ? "tile alert" : "tile"}>
      <span class="label">{label}</span>
      <span class="value">{value}</span>
      <span class="more">{children}</span>
    </div>
  );
}
