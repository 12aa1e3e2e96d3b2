import type { ServiceDetails } from "@leveros/protocol";
import type { VNode } from "preact";
import { bytes, count, duration, rate, share } from "../../format.ts";
import { Tile } from "../overview/tiles.tsx";

export function ServiceTiles({ service: of }: { service: ServiceDetails }): VNode {
  const { callsPerSecond, errorsPerSecond, p50Ms, p95Ms, callsInFlight, instances } = of;
  const memoryBytes = instances.reduce((sum, instance) => sum + instance.memoryBytes, 0);
  return (
    <section class="tiles" aria-label="Now">
      <Tile label="Calls" value={rate(callsPerSecond)} isBad={errorsPerSecond > 0}>
        {share(errorsPerSecond, callsPerSecond)} errors
      </Tile>
      <Tile label="Duration, p95" value={duration(p95Ms)}>
        {duration(p50Ms)} p50
      </Tile>
      <Tile label="In flight" value={count(callsInFlight)} isBad={of.callsWaiting > 0}>
        {count(of.streamsOpen)} streams, {count(of.callsWaiting)} waiting
      </Tile>
      <Tile label="Instances" value={count(instances.length)}>
        {bytes(memoryBytes)} in use
      </Tile>
    </section>
  );
}
