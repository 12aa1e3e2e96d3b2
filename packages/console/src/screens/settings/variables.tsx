import type { RestartReport } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin, failureOf } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { moment } from "../../format.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Failed } from "../../parts/empty.tsx";
import { environment } from "../../route.ts";

/** The variables and secrets of the environment; or those that one service gets. A secret's value is never shown. */
export function Variables({ service }: { service?: string }): VNode {
  const changes = useSignal(0);
  const isAsking = useSignal(false);
  const { value, failure } = useCalled("listVariables", [environment()], changes.value);
  if (failure !== undefined) return <Failed {...failure} />;
  const shown = (value ?? []).filter(
    (of) => service === undefined || of.service === "" || of.service === service,
  );
  const done = (report: RestartReport): void => {
    changes.value++;
    say(reportText(report));
  };
  const unset = (of: string, name: string): void => {
    void admin("unsetVariable", environment(), of, name).then(done, (error: unknown) =>
      say(failureOf(error).message),
    );
  };
  return (
    <section class="list" aria-label="Variables and secrets">
      <div class="tools">
        <span class="muted">A change replaces the instances that get it.</span>
        <button type="button" class="quiet end" onClick={() => (isAsking.value = true)}>
          Set a variable…
        </button>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Name</th>
            <th class="w-l">For</th>
            <th>Value</th>
            <th class="w-moment opt">Set</th>
            <th class="w-m">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {shown.map((of) => (
            <tr key={`${of.service} ${of.name}`}>
              <td class="name mono">{of.name}</td>
              <td class="cut">{of.service === "" ? "all services" : of.service}</td>
              <td class="cut mono">{of.value ?? <span class="muted">secret</span>}</td>
              <td class="tabular opt muted">{moment(of.setAt)}</td>
              <td class="row-actions">
                <button type="button" class="as-link" onClick={() => unset(of.service, of.name)}>
                  Unset
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value !== undefined && shown.length === 0 && <p class="none muted">None is set.</p>}
      {isAsking.value && (
        <SetVariable service={service} onDone={done} onClose={() => (isAsking.value = false)} />
      )}
    </section>
  );
}

function SetVariable(props: {
  service: string | undefined;
  onDone: (report: RestartReport) => void;
  onClose: () => void;
}): VNode {
  const of = useSignal(props.service ?? "");
  const name = useSignal("");
  const value = useSignal("");
  const secret = useSignal(false);
  return (
    <Confirm
      title="Set a variable"
      action="Set"
      isReady={name.value !== ""}
      run={async () => {
        const options = { secret: secret.value };
        props.onDone(
          await admin("setVariable", environment(), of.value, name.value, value.value, options),
        );
      }}
      onClose={props.onClose}
    >
      <label class="stack">
        <span class="label">Service; empty for all</span>
        <input value={of.value} onInput={(event) => (of.value = event.currentTarget.value)} />
      </label>
      <label class="stack">
        <span class="label">Name</span>
        <input
          class="mono"
          placeholder="LOG_LEVEL"
          value={name.value}
          onInput={(event) => (name.value = event.currentTarget.value)}
        />
      </label>
      <label class="stack">
        <span class="label">Value</span>
        <input
          class={secret.value ? "mono concealed" : "mono"}
          autocomplete="off"
          value={value.value}
          onInput={(event) => (value.value = event.currentTarget.value)}
        />
      </label>
      <label class="check">
        <input
          type="checkbox"
          checked={secret.value}
          onChange={(event) => (secret.value = event.currentTarget.checked)}
        />
        A secret: it is stored encrypted, and never shown again
      </label>
    </Confirm>
  );
}

function reportText({ isDeployed, restarted, failed }: RestartReport): string {
  const [first] = failed;
  if (first !== undefined) return `${first.service} does not start with it: ${first.reason}`;
  if (!isDeployed) return "It is set for a service that is not deployed yet.";
  return `It is set. Instances of ${restarted.length} services were replaced.`;
}
