import type { VNode } from "preact";
import { useWatched } from "../../data/hooks.ts";
import { bytes, count, duration, moment } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Icon } from "../../parts/icon.tsx";

const EVERY_MS = 10_000;
const MB = 1e6;

export function About(): VNode {
  const { value: host, failure } = useWatched("getStatus", [], EVERY_MS);
  if (failure !== undefined) return <Failed {...failure} />;
  if (host === undefined) return <div aria-busy="true" />;
  const fields: readonly (readonly [string, string])[] = [
    ["Lever", host.version],
    ["Node", host.node],
    ["machine", host.machine],
    ["address", `${host.bind}:${host.port}${host.tls ? ", TLS" : ""}`],
    ["process", String(host.pid)],
    ["up", `${duration(host.uptimeMs)}, since ${moment(host.startedAt)}`],
    ["isolation", host.isolation === "oci" ? "containers" : "processes"],
    ["workers", `${host.workers.running} of ${host.workers.wanted}`],
    ["services", count(host.services)],
    ["instances", count(host.instances)],
    ["host's memory", bytes(host.memory.hostBytes)],
    [
      "instances' memory",
      `${bytes(host.memory.ramReserved * MB)} of ${bytes(host.memory.ramMax * MB)}`,
    ],
    ["disk", `${bytes(host.disk.freeBytes)} free of ${bytes(host.disk.totalBytes)}`],
    ["data", host.disk.dataDir],
    ["database", bytes(host.database.bytes)],
    ["its copy", host.database.copiedAt === null ? "none yet" : moment(host.database.copiedAt)],
  ];
  return (
    <section class="about" aria-label="About this host">
      {host.warnings.map((text) => (
        <div key={text} class="notice warn">
          <Icon name="warning" />
          <span>{text}</span>
        </div>
      ))}
      <dl class="fields">
        {fields.map(([name, text]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{text}</dd>
          </div>
        ))}
      </dl>
    </section>
  );
}
