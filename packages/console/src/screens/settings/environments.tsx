import type { EnvironmentListing } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin, failureOf } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { count } from "../../format.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Failed } from "../../parts/empty.tsx";
import { href } from "../../route.ts";

export function Environments(): VNode {
  const changes = useSignal(0);
  const name = useSignal("");
  const isAsking = useSignal(false);
  const { value, failure } = useCalled("listEnvironments", [], changes.value);
  if (failure !== undefined) return <Failed {...failure} />;
  const changed = (): void => {
    changes.value++;
  };
  return (
    <section class="list" aria-label="Environments">
      <div class="tools">
        <span class="muted">An environment isolates its services from those of others.</span>
        <button type="button" class="quiet end" onClick={() => (isAsking.value = true)}>
          New environment…
        </button>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Environment</th>
            <th class="num w-m">Services</th>
            <th class="w-l">Callers</th>
            <th class="opt">Pages of</th>
            <th class="w-l opt">Network</th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((of) => (
            <Row key={of.environment} environment={of} onChange={changed} />
          ))}
        </tbody>
      </table>
      {isAsking.value && (
        <Confirm
          title="New environment"
          action="Create"
          isReady={name.value !== ""}
          run={async () => {
            await admin("createEnvironment", name.value);
            changed();
          }}
          onClose={() => (isAsking.value = false)}
        >
          <label class="stack">
            <span class="label">Name, as a host name</span>
            <input
              placeholder="staging.lever"
              value={name.value}
              onInput={({ currentTarget }) => (name.value = currentTarget.value)}
            />
          </label>
        </Confirm>
      )}
    </section>
  );
}

function Row(props: { environment: EnvironmentListing; onChange: () => void }): VNode {
  const { environment, services, corsOrigins, network, ...of } = props.environment;
  const toggle = (): void => {
    void admin("setPublic", environment, !of.public).then(props.onChange, (error: unknown) =>
      say(failureOf(error).message),
    );
  };
  return (
    <tr>
      <td class="name">
        <a data-row href={href([], { env: environment })}>
          {environment}
        </a>
      </td>
      <td class="num">{count(services)}</td>
      <td>
        <button type="button" class="as-link" onClick={toggle} aria-pressed={of.public}>
          {of.public ? "everyone" : "with a token"}
        </button>
      </td>
      <td class="opt cut muted">
        {corsOrigins.includes("*") ? "any origin" : corsOrigins.join(", ") || "none"}
      </td>
      <td class="opt cut muted">
        {typeof network === "string" ? network : JSON.stringify(network)}
      </td>
    </tr>
  );
}
