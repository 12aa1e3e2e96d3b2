import { useSignal } from "@preact/signals";
import type { RemoteStream } from "leveros";
import type { VNode } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { client, failureOf } from "../../data/admin.ts";
import { bytes, timeOfDay } from "../../format.ts";
import { JsonEditor, JsonText } from "../../parts/json-editor.tsx";
import { jsonProblem } from "../../parts/json-text.ts";
import { modifier } from "../../parts/modifier.ts";
import type { CallTarget } from "./make-call.ts";

type State = "closed" | "open" | "half-closed";

interface Line {
  readonly at: string;
  readonly from: "caller" | "method" | "end" | "failure";
  readonly text: string;
}

const LINES_MAX = 1_000;

/** A stream to a method: what both sides have sent, with times. */
export function Stream({
  target,
  args,
}: {
  target: CallTarget;
  args: readonly unknown[] | undefined;
}): VNode {
  const state = useSignal<State>("closed");
  const lines = useSignal<readonly Line[]>([]);
  const message = useSignal("");
  const stream = useRef<RemoteStream | undefined>(undefined);
  const add = (from: Line["from"], text: string): void => {
    const line = { at: new Date().toISOString(), from, text };
    lines.value = [...lines.value, line].slice(-LINES_MAX);
  };
  useEffect(() => () => stream.current?.cancel(), []);
  const open = async (): Promise<void> => {
    lines.value = [];
    state.value = "open";
    try {
      const { environment, service, resource, method } = target;
      const of =
        resource === ""
          ? client().service(environment, service)
          : client().resource(environment, service, resource);
      const opened = await of.invokeChan(method, ...(args ?? []));
      stream.current = opened;
      for await (const received of opened) add("method", textOf(received));
      add("end", "The method has ended the stream.");
    } catch (error) {
      add("failure", failureOf(error).message);
    }
    state.value = "closed";
  };
  const send = (): void => {
    if (jsonProblem(message.value) !== undefined) return;
    stream.current?.write(JSON.parse(message.value));
    add("caller", message.value);
    message.value = "";
  };
  const end = (): void => {
    stream.current?.end();
    state.value = "half-closed";
    add("end", "This side has ended.");
  };
  return (
    <section aria-label="Stream">
      <h2 class="label">Stream, {state.value}</h2>
      <ol class="transcript" aria-live="polite">
        {lines.value.map((line, index) => (
          <li key={index} class={line.from}>
            <time>{timeOfDay(line.at)}</time>
            <b>{{ caller: "→", method: "←", end: "·", failure: "✗" }[line.from]}</b>
            <span>
              <JsonText text={line.text} />
            </span>
          </li>
        ))}
        {lines.value.length === 0 && <li class="muted">Messages will be here.</li>}
      </ol>
      {state.value === "open" && (
        <JsonEditor
          id="message"
          label="A message, in JSON"
          rows={2}
          text={message.value}
          onChange={(to) => (message.value = to)}
          onSend={send}
        />
      )}
      <div class="actions">
        {state.value === "closed" ? (
          <button
            type="button"
            class="primary"
            disabled={args === undefined}
            onClick={() => void open()}
          >
            Open
          </button>
        ) : (
          <>
            {state.value === "open" && (
              <>
                <button
                  type="button"
                  class="primary"
                  disabled={jsonProblem(message.value) !== undefined}
                  onClick={send}
                >
                  Send <kbd>{modifier} ↵</kbd>
                </button>
                <button type="button" class="quiet" onClick={end}>
                  End
                </button>
              </>
            )}
            <button type="button" class="quiet" onClick={() => stream.current?.cancel()}>
              Cancel
            </button>
          </>
        )}
      </div>
    </section>
  );
}

function textOf(value: unknown): string {
  if (value instanceof Uint8Array) return `${bytes(value.length)} of bytes`;
  return JSON.stringify(value) ?? "null";
}
