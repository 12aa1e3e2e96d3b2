import type { ServiceDetails, VersionListing } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { age, bytes, moment } from "../../format.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Failed } from "../../parts/empty.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { environment, href, place } from "../../route.ts";

/** Loaded when versions are compared, which is seldom. */
const Changes = lazy(async () => (await import("./changes.tsx")).Changes);

export function Versions({ service: of }: { service: ServiceDetails }): VNode {
  const [, before, version] = /^(\d+)-(\d+)$/.exec(place.value.query.get("changes") ?? "") ?? [];
  if (before === undefined) return <VersionList service={of} />;
  return <Changes service={of.service} before={Number(before)} version={Number(version)} />;
}

function VersionList({ service: of }: { service: ServiceDetails }): VNode {
  const { service, version: live } = of;
  const { value, failure } = useCalled("listVersions", [environment(), service], live);
  const asked = useSignal<VersionListing | undefined>(undefined);
  if (failure !== undefined) return <Failed {...failure} />;
  return (
    <section class="list" aria-label="Versions">
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Version</th>
            <th class="w-moment">Deployed</th>
            <th class="num w-m opt">Age</th>
            <th class="num w-m opt">Archive</th>
            <th class="num w-m opt">Unpacked</th>
            <th class="w-actions">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((version, index) => (
            <tr key={version.version}>
              <td class="name">
                <i class={version.version === live ? "dot ok" : "dot"} />v{version.version}{" "}
                {version.version === live && <span class="muted">live</span>}
              </td>
              <td class="w-moment tabular">{moment(version.deployedAt)}</td>
              <td class="num opt muted">{age(version.deployedAt, Date.now())}</td>
              <td class="num opt">{bytes(version.archiveBytes)}</td>
              <td class="num opt">{bytes(version.unpackedBytes)}</td>
              <td class="row-actions">
                <ChangesLink service={service} version={version} before={value?.[index + 1]} />
                {version.version !== live && (
                  <button type="button" class="as-link" onClick={() => (asked.value = version)}>
                    Make live…
                  </button>
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {asked.value !== undefined && (
        <Confirm
          title={`Make version ${asked.value.version} of ${service} live?`}
          action="Make live"
          run={async () => {
            const to = asked.value?.version;
            if (to === undefined) return;
            const report = await admin("rollBackService", environment(), service, to);
            say(`Version ${report.version} of ${service} is live.`);
          }}
          onClose={() => (asked.value = undefined)}
        >
          <p>
            It replaces version {live}, which stays. Its instances finish the calls that they have.
          </p>
        </Confirm>
      )}
    </section>
  );
}

function ChangesLink(props: {
  service: string;
  version: VersionListing;
  before: VersionListing | undefined;
}): VNode | null {
  const { service, version, before } = props;
  if (before === undefined) return null;
  const changes = `${before.version}-${version.version}`;
  return <a href={href(["s", service, "versions"], { changes })}>Changes</a>;
}
