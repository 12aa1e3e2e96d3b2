import type { HostListing, HostStatus } from "@leveros/protocol";
import type { VNode } from "preact";
import { useWatched } from "../../data/hooks.ts";
import { count, duration } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";

/** The hosts that are one Lever. A host that is the only one is shown by its status. */
export function Hosts(): VNode {
  const hosts = useWatched("listHosts", []);
  if (hosts.failure?.code === "not_supported") return <OneHost />;
  if (hosts.failure !== undefined) return <Failed {...hosts.failure} />;
  if (hosts.value === undefined) return <div aria-busy="true" />;
  const { hosts: all, readMsAgo } = hosts.value;
  return (
    <section class="list" aria-label="Hosts">
      <p class="muted">
        {readMsAgo === null
          ? "The database has not been read yet: what is known of other hosts may be old."
          : `As the database had it ${duration(readMsAgo)} ago.`}
      </p>
      <Table rows={all.map(rowOf)} />
    </section>
  );
}

interface Row {
  readonly host: string;
  readonly tone: "ok" | "warn" | "";
  readonly state: string;
  readonly lease: string;
  readonly behind: string;
  readonly version: string;
  readonly address: string;
}

const tones = { active: "ok", silent: "warn", fenced: "", left: "" } as const;

function rowOf(of: HostListing): Row {
  const { host, isSelf, state, leaseMs, version, revisionsBehind, address } = of;
  return {
    host: isSelf ? `${host}, this one` : host,
    tone: tones[state],
    state,
    lease: state === "active" ? duration(leaseMs) : "",
    behind: count(revisionsBehind),
    version,
    address,
  };
}

const EVERY_MS = 10_000;

function OneHost(): VNode {
  const { value, failure } = useWatched("getStatus", [], EVERY_MS);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div aria-busy="true" />;
  return (
    <section class="list" aria-label="Hosts">
      <Table rows={[onlyRow(value)]} />
      <p class="muted">
        This host is the only one. Hosts that are started with lever up --cluster are one Lever:
        each answers every call.
      </p>
    </section>
  );
}

function onlyRow({ machine, version, bind, port }: HostStatus): Row {
  const address = `${bind}:${port}`;
  return { host: machine, tone: "ok", state: "active", lease: "", behind: "0", version, address };
}

function Table({ rows }: { rows: readonly Row[] }): VNode {
  return (
    <table class="rows">
      <thead>
        <tr>
          <th class="name">Host</th>
          <th class="w-m">State</th>
          <th class="num w-m opt">Lease</th>
          <th class="num w-m">Behind</th>
          <th class="w-l opt">Version</th>
          <th class="opt">Address</th>
        </tr>
      </thead>
      <tbody>
        {rows.map(({ host, tone, state, lease, behind, version, address }) => (
          <tr key={host}>
            <td class="name">
              <i class={`dot ${tone}`} />
              {host}
            </td>
            <td>{state}</td>
            <td class="num opt muted">{lease}</td>
            <td class={behind === "0" ? "num muted" : "num bad"}>{behind}</td>
            <td class="opt muted">{version}</td>
            <td class="opt mono muted cut">{address}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}
