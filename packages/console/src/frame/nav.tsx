import type { VNode } from "preact";
import { Icon, type IconName } from "../parts/icon.tsx";
import { href, place } from "../route.ts";

const screens: readonly (readonly [path: string, label: string, icon: IconName])[] = [
  ["", "Overview", "grid"],
  ["logs", "Logs", "lines"],
  ["calls", "Calls", "bars"],
  ["call", "Call", "play"],
  ["events", "Events", "bell"],
  ["settings", "Settings", "sliders"],
];

export function Nav(): VNode {
  const [now = ""] = place.value.path;
  const shown = now === "s" ? "" : now === "trace" ? "calls" : now;
  return (
    <nav class="nav" aria-label="Screens">
      {screens.map(([path, label, icon]) => (
        <a
          key={path}
          href={href(path === "" ? [] : [path])}
          aria-current={path === shown ? "page" : undefined}
        >
          <Icon name={icon} />
          <span>{label}</span>
        </a>
      ))}
    </nav>
  );
}
