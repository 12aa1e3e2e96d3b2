import type { Whoami } from "@leveros/protocol";
import type { VNode } from "preact";
import { useCalled } from "../data/hooks.ts";
import { setToken, token } from "../data/session.ts";
import { connect, connection } from "../data/watch.ts";
import { Icon } from "../parts/icon.tsx";
import { modifier } from "../parts/modifier.ts";
import { environment, go, href } from "../route.ts";
import { overlay } from "./keys.ts";
import { nextTheme, theme } from "./theme.ts";

export function Bar({ caller }: { caller: Whoami | undefined }): VNode {
  return (
    <header class="bar">
      <a class="mark" href={href([])} aria-label="Lever: overview">
        <svg viewBox="0 0 16 16" aria-hidden="true">
          <path class="beam" d="M2 11.5 14 4.5" />
          <path class="pivot" d="m6.2 14 2.3-4.2 2.3 4.2z" />
        </svg>
        <span>lever</span>
      </a>
      <EnvironmentChoice />
      <button type="button" class="search" onClick={() => (overlay.value = "palette")}>
        <Icon name="search" />
        <span>Search or jump…</span>
        <kbd>{modifier} K</kbd>
      </button>
      <State />
      <button type="button" class="plain" onClick={nextTheme} title={`Theme: ${theme.value}`}>
        <Icon name={theme.value === "dark" ? "moon" : theme.value === "light" ? "sun" : "half"} />
        <span class="hidden">Theme: {theme.value}</span>
      </button>
      <Caller caller={caller} />
    </header>
  );
}

function EnvironmentChoice(): VNode {
  const { value } = useCalled("listEnvironments", [], connection.value.state);
  const now = environment();
  const names = (value ?? []).map((of) => of.environment);
  const shown = names.includes(now) ? names : [now, ...names];
  return (
    <label class="choice">
      <span class="hidden">Environment</span>
      <select
        value={now}
        onChange={({ currentTarget }) => go(href([], { env: currentTarget.value }))}
      >
        {shown.map((name) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
      <Icon name="down" />
    </label>
  );
}

const words = { connecting: "connecting", live: "live", lost: "reconnecting", refused: "" };

function State(): VNode {
  const { state } = connection.value;
  return (
    <output class={`state ${state}`}>
      <i />
      <span>{words[state]}</span>
    </output>
  );
}

/** The token of the page, and the way out. */
function Caller({ caller }: { caller: Whoami | undefined }): VNode | null {
  if (token.value === undefined) return null;
  const leave = (): void => {
    setToken(undefined);
    connect();
  };
  const { rights = [], id = "" } = caller?.token ?? {};
  return (
    <button type="button" class="plain" onClick={leave} title={`Token ${id}: ${rights.join(", ")}`}>
      <Icon name="leave" />
      <span class="hidden">Leave: forget the token {id}</span>
    </button>
  );
}
