import { type CreatedToken, type Right, rights } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin, failureOf } from "../../data/admin.ts";
import { useCalled } from "../../data/hooks.ts";
import { moment } from "../../format.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { Copy } from "../../parts/copy.tsx";
import { Dialog } from "../../parts/dialog.tsx";
import { Failed } from "../../parts/empty.tsx";
import { environment } from "../../route.ts";

export function Tokens(): VNode {
  const changes = useSignal(0);
  const isAsking = useSignal(false);
  const created = useSignal<CreatedToken | undefined>(undefined);
  const { value, failure } = useCalled("listTokens", [], changes.value);
  if (failure !== undefined) return <Failed {...failure} />;
  const revoke = (id: string): void => {
    void admin("revokeToken", id).then(
      () => changes.value++,
      (error: unknown) => say(failureOf(error).message),
    );
  };
  return (
    <section class="list" aria-label="Tokens">
      <div class="tools">
        <span class="muted">The host stores only hashes: a token is shown once.</span>
        <button type="button" class="quiet end" onClick={() => (isAsking.value = true)}>
          New token…
        </button>
      </div>
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Id</th>
            <th class="w-l">Rights</th>
            <th class="opt">Environments</th>
            <th class="opt">Note</th>
            <th class="w-moment opt">Expires</th>
            <th class="w-m">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {(value ?? []).map((of) => (
            <tr key={of.id}>
              <td class="name mono">{of.id}</td>
              <td>{of.rights.join(", ")}</td>
              <td class="opt cut">{of.environments.join(", ").replace(/^\*$/, "all")}</td>
              <td class="opt cut muted">{of.note}</td>
              <td class="opt tabular muted">
                {of.expiresAt === undefined ? "never" : moment(of.expiresAt)}
              </td>
              <td class="row-actions">
                <button type="button" class="as-link" onClick={() => revoke(of.id)}>
                  Revoke
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {value?.length === 0 && (
        <p class="none muted">
          There is none: every program on the host's machine may do everything, and no other machine
          anything.
        </p>
      )}
      {isAsking.value && (
        <NewToken
          isFirst={value?.length === 0}
          onCreated={(token) => {
            changes.value++;
            created.value = token;
          }}
          onClose={() => (isAsking.value = false)}
        />
      )}
      {created.value !== undefined && (
        <Dialog title="The new token" onClose={() => (created.value = undefined)}>
          <p>This is the only time it is shown.</p>
          <div class="commands">
            <pre>{created.value.token}</pre>
            <Copy text={created.value.token} label="Copy" />
          </div>
        </Dialog>
      )}
    </section>
  );
}

const about: Readonly<Record<Right, string>> = {
  invoke: "call services",
  look: "see everything, change nothing",
  deploy: "deploy services; includes look",
  admin: "everything",
};

function NewToken(props: {
  isFirst: boolean;
  onCreated: (token: CreatedToken) => void;
  onClose: () => void;
}): VNode {
  const right = useSignal<Right>(props.isFirst ? "admin" : "look");
  const environments = useSignal(props.isFirst ? "*" : environment());
  const note = useSignal("");
  return (
    <Confirm
      title={props.isFirst ? "The first token, for yourself" : "New token"}
      action="Create"
      run={async () => {
        const names = environments.value.split(/[\s,]+/).filter(Boolean);
        const options = { environments: names, rights: [right.value], note: note.value };
        props.onCreated(await admin("createToken", options));
      }}
      onClose={props.onClose}
    >
      {props.isFirst && (
        <p>From then on, every call needs a token. This page asks for one, too: keep it.</p>
      )}
      <fieldset class="stack">
        <legend class="label">Right</legend>
        {rights.map((of) => (
          <label key={of} class="check">
            <input
              type="radio"
              name="right"
              checked={right.value === of}
              onChange={() => (right.value = of)}
            />
            <b>{of}</b> <span class="muted">{about[of]}</span>
          </label>
        ))}
      </fieldset>
      <label class="stack">
        <span class="label">Environments; * for all</span>
        <input
          value={environments.value}
          onInput={(event) => (environments.value = event.currentTarget.value)}
        />
      </label>
      <label class="stack">
        <span class="label">Note</span>
        <input value={note.value} onInput={(event) => (note.value = event.currentTarget.value)} />
      </label>
    </Confirm>
  );
}
