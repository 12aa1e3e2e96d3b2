import type { RouteListing } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin, failureOf } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Failed } from "../../parts/empty.tsx";
import { environment, href } from "../../route.ts";

/** The host names that lead to services of the environment. */
export function Routes(): VNode {
  const changes = useSignal(0);
  const isAsking = useSignal(false);
  const { value, failure } = useCalled("listRoutes", [environment()], changes.value);
  if (failure !== undefined) return <Failed {...failure} />;
  const remove = (address: string): void => {
    void admin("removeRoute", environment(), address).then(
      () => changes.value++,
      (error: unknown) => say(failureOf(error).message),
    );
  };
  return (
    <section class="list" aria-label="Routes">
      <div class="tools">
        <span class="muted">Host names that lead to services of {environment()}.</span>
        <button type="button" class="quiet end" onClick={() => (isAsking.value = true)}>
          New route…
        </button>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Address</th>
            <th>Service</th>
            <th class="w-m">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((route) => (
            <tr key={addressOf(route)}>
              <td class="name mono">{addressOf(route)}</td>
              <td class="cut">
                {route.service === "" ? (
                  <span class="muted">the one that its first label names</span>
                ) : (
                  <a href={href(["s", route.service])}>{route.service}</a>
                )}
              </td>
              <td class="row-actions">
                <button type="button" class="as-link" onClick={() => remove(addressOf(route))}>
                  Remove
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value?.length === 0 && (
        <p class="none muted">
          There is none. Services answer below /service/… and, on this machine, under service.
          {environment()}.localhost.
        </p>
      )}
      {isAsking.value && (
        <NewRoute onDone={() => changes.value++} onClose={() => (isAsking.value = false)} />
      )}
    </section>
  );
}

const addressOf = ({ host, path }: RouteListing): string => host + path;

function NewRoute(props: { onDone: () => void; onClose: () => void }): VNode {
  const address = useSignal("");
  const service = useSignal("");
  return (
    <Confirm
      title="New route"
      action="Create"
      isReady={address.value !== ""}
      run={async () => {
        const { value: name } = service;
        await admin("addRoute", environment(), address.value, name === "" ? null : name);
        props.onDone();
      }}
      onClose={props.onClose}
    >
      <label class="stack">
        <span class="label">
          Host name, perhaps with a path; *. at its beginning for any service
        </span>
        <input
          placeholder="shop.example/api"
          value={address.value}
          onInput={({ currentTarget }) => (address.value = currentTarget.value)}
        />
      </label>
      <label class="stack">
        <span class="label">Service; empty with *.</span>
        <input
          value={service.value}
          onInput={({ currentTarget }) => (service.value = currentTarget.value)}
        />
      </label>
    </Confirm>
  );
}
