import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useCalled } from "../data/hooks.ts";
import { Dialog } from "../parts/dialog.tsx";
import { environment, go, href } from "../route.ts";
import { openDeploy } from "./drop.tsx";
import { overlay } from "./keys.ts";

interface Target {
  readonly label: string;
  readonly kind: string;
  open(): void;
}

const SERVICES_SHOWN = 8;

const screens: readonly (readonly [label: string, path: readonly string[]])[] = [
  ["Overview", []],
  ["Logs", ["logs"]],
  ["Calls", ["calls"]],
  ["Call a method", ["call"]],
  ["Events", ["events"]],
  ["Environments", ["settings", "environments"]],
  ["Routes", ["settings", "routes"]],
  ["Variables and secrets", ["settings", "variables"]],
  ["Tokens", ["settings", "tokens"]],
  ["Hosts", ["settings", "hosts"]],
  ["Limits", ["settings", "limits"]],
  ["Audit", ["settings", "audit"]],
  ["About this host", ["settings", "about"]],
];

export function Palette(): VNode | null {
  return overlay.value === "palette" ? <OpenPalette /> : null;
}

function OpenPalette(): VNode {
  const text = useSignal("");
  const at = useSignal(0);
  const query = { text: text.value, count: SERVICES_SHOWN };
  const { value } = useCalled("findServices", [environment(), query]);
  const targets = targetsOf(
    text.value,
    (value?.rows ?? []).map(({ service }) => service),
  );
  const close = (): void => {
    overlay.value = "none";
  };
  const open = (target: Target | undefined): void => {
    close();
    target?.open();
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (event.key === "Enter") open(targets[at.value]);
    else if (step !== undefined) {
      at.value = Math.max(0, Math.min(targets.length - 1, at.value + step));
    } else return;
    event.preventDefault();
  };
  return (
    <Dialog title="Search or jump" isBare onClose={close}>
      <input
        class="wide"
        role="combobox"
        aria-expanded="true"
        aria-controls="targets"
        aria-activedescendant={`target-${at.value}`}
        aria-label="Search services and screens"
        placeholder="A service, a screen, or the id of a call"
        value={text.value}
        onInput={({ currentTarget }) => {
          text.value = currentTarget.value;
          at.value = 0;
        }}
        onKeyDown={onKeyDown}
      />
      <div class="targets" role="listbox" id="targets" aria-label="Results">
        {targets.map((target, index) => (
          <div
            key={`${target.kind} ${target.label}`}
            id={`target-${index}`}
            role="option"
            tabIndex={-1}
            aria-selected={index === at.value}
            onClick={() => open(target)}
            onKeyDown={onKeyDown}
          >
            <span>{target.label}</span>
            <small>{target.kind}</small>
          </div>
        ))}
        {targets.length === 0 && <p class="muted">Nothing has this in its name.</p>}
      </div>
    </Dialog>
  );
}

function targetsOf(text: string, services: readonly string[]): readonly Target[] {
  const wanted = text.trim().toLowerCase();
  const to = (path: readonly string[]) => () => go(href(path));
  const deploy = { label: "Deploy a folder or an archive", kind: "action", open: openDeploy };
  const isId = /^[0-9a-z]{3}-[0-9a-z]+$/.test(wanted) || /^[0-9a-f]{32}$/.test(wanted);
  const isWanted = ({ label }: Target): boolean => label.toLowerCase().includes(wanted);
  return [
    ...(isId ? [{ label: wanted, kind: "trace", open: to(["trace", wanted]) }] : []),
    ...services.map((name) => ({ label: name, kind: "service", open: to(["s", name]) })),
    ...screens.map(([label, path]) => ({ label, kind: "screen", open: to(path) })).filter(isWanted),
    ...[deploy].filter(isWanted),
  ];
}
