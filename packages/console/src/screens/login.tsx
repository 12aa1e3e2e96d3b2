import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import type { Failure } from "../data/admin.ts";
import { setToken, token } from "../data/session.ts";
import { connect } from "../data/watch.ts";
import { Copy } from "../parts/copy.tsx";

/** Asks for a token, on a host that needs one. */
export function LoginScreen({ code, message }: Failure): VNode {
  const text = useSignal("");
  const isForbidden = code === "forbidden";
  const enter = (event: Event): void => {
    event.preventDefault();
    setToken(text.value.trim());
    connect();
  };
  return (
    <main class="login">
      <h1>
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path class="beam" d="M2 11.5 14 4.5" />
          <path class="pivot" d="m6.2 14 2.3-4.2 2.3 4.2z" />
        </svg>
        lever
      </h1>
      {isForbidden ? (
        <p role="alert">{message}</p>
      ) : (
        <>
          <p>This host asks for a token. The command opens this page with yours:</p>
          <div class="commands">
            <pre>lever console</pre>
            <Copy text="lever console" label="Copy" />
          </div>
          <form onSubmit={enter}>
            <label for="token">Or enter one</label>
            <div class="line">
              <input
                id="token"
                type="password"
                autocomplete="off"
                placeholder="lever_…"
                value={text.value}
                onInput={({ currentTarget }) => (text.value = currentTarget.value)}
              />
              <button type="submit" class="primary" disabled={text.value.trim() === ""}>
                Enter
              </button>
            </div>
            {token.value !== undefined && <p role="alert">{message}</p>}
          </form>
          <p class="muted">It stays in this tab, and is forgotten with it.</p>
        </>
      )}
    </main>
  );
}
