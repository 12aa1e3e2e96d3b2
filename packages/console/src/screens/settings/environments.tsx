import type { EnvironmentListing } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { count } from "../../format.ts";
import { Confirm } from "../../parts/confirm.tsx";
import { Failed } from "../../parts/empty.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { href } from "../../route.ts";

const EnvironmentForm = lazy(async () => (await import("./environment-form.tsx")).EnvironmentForm);

export function Environments(): VNode {
  const changes = useSignal(0);
  const name = useSignal("");
  const isAsking = useSignal(false);
  const edited = useSignal<EnvironmentListing | undefined>(undefined);
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
            <th class="w-s">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((of) => (
            <Row key={of.environment} environment={of} onEdit={() => (edited.value = of)} />
          ))}
        </tbody>
      </table>
      {edited.value !== undefined && (
        <EnvironmentForm
          environment={edited.value}
          onDone={changed}
          onClose={() => (edited.value = undefined)}
        />
      )}
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

function Row(props: { environment: EnvironmentListing; onEdit: () => void }): VNode {
  const { environment, services, corsOrigins, network, ...of } = props.environment;
  return (
    <tr>
      <td class="name">
        <a data-row href={href([], { env: environment })}>
          {environment}
        </a>
      </td>
      <td class="num">{count(services)}</td>
      <td class="muted">{of.public ? "everyone" : "with a token"}</td>
      <td class="opt cut muted">
        {corsOrigins.includes("*") ? "any origin" : corsOrigins.join(", ") || "none"}
      </td>
      <td class="opt cut muted">{typeof network === "string" ? network : network.join(", ")}</td>
      <td class="row-actions">
        <button type="button" class="as-link" onClick={props.onEdit}>
          Edit…
        </button>
      </td>
    </tr>
  );
}
