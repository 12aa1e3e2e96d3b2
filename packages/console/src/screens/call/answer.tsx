import type { VNode } from "preact";
import { bytes, duration } from "../../format.ts";
import { Copy } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { JsonText } from "../../parts/json-editor.tsx";
import { save } from "../../parts/save.ts";
import { environment, href } from "../../route.ts";
import type { CallAnswer } from "./make-call.ts";

export type Outcome =
  | { readonly state: "none" }
  | { readonly state: "waiting" }
  | { readonly state: "answered"; readonly answer: CallAnswer }
  | { readonly state: "failed"; readonly message: string };

export function Answer({ outcome }: { outcome: Outcome }): VNode {
  return (
    <section aria-label="Answer" aria-live="polite" aria-busy={outcome.state === "waiting"}>
      <h2 class="label">Answer</h2>
      <Content outcome={outcome} />
    </section>
  );
}

function Content({ outcome }: { outcome: Outcome }): VNode {
  switch (outcome.state) {
    case "none":
      return <div class="reply muted">The answer will be here.</div>;
    case "waiting":
      return <div class="reply muted">Waiting…</div>;
    case "failed":
      return <div class="reply bad">The host does not answer: {outcome.message}</div>;
    case "answered":
      return <Answered answer={outcome.answer} />;
  }
}

const failedBy = { method: "the method failed", platform: "Lever refused or failed" };

function Answered({ answer }: { answer: CallAnswer }): VNode {
  const { status, ms, bytes: size, call, failed, text, body } = answer;
  return (
    <>
      <p class="status">
        <b class={failed === undefined ? "good" : "bad"}>{status}</b>
        {failed !== undefined && <span class="bad">{failedBy[failed]}</span>}
        <span class="muted">
          {duration(ms)}, {bytes(size)}
        </span>
      </p>
      <pre class="reply">
        {text === undefined ? (
          <span class="muted">
            {bytes(size)}, {body.type || "bytes"}
          </span>
        ) : (
          <JsonText text={text} />
        )}
      </pre>
      <div class="actions">
        {call !== undefined && (
          <a class="quiet" href={href(["trace", call])}>
            <Icon name="bars" />
            Trace
          </a>
        )}
        {call !== undefined && (
          <a class="quiet" href={href(["logs"], { call, env: environment() })}>
            <Icon name="lines" />
            Logs
          </a>
        )}
        {text !== undefined && <Copy text={text} label="Copy" />}
        <button
          type="button"
          class="quiet"
          onClick={() => save(body, /json/.test(body.type) ? "reply.json" : "reply.bin")}
        >
          <Icon name="save" />
          Save
        </button>
      </div>
    </>
  );
}
