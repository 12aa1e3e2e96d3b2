import type { VNode } from "preact";
import { intoView } from "../../parts/into-view.ts";
import { href } from "../../route.ts";
import { About } from "./about.tsx";
import { Audit } from "./audit.tsx";
import { Environments } from "./environments.tsx";
import { Hosts } from "./hosts.tsx";
import { LimitTable } from "./limits.tsx";
import { Routes } from "./routes.tsx";
import { Tokens } from "./tokens.tsx";
import { Variables } from "./variables.tsx";

const tabs: readonly (readonly [tab: string, label: string, screen: () => VNode])[] = [
  ["environments", "Environments", () => <Environments />],
  ["routes", "Routes", () => <Routes />],
  ["variables", "Variables", () => <Variables />],
  ["tokens", "Tokens", () => <Tokens />],
  ["hosts", "Hosts", () => <Hosts />],
  ["limits", "Limits", () => <LimitTable />],
  ["audit", "Audit", () => <Audit />],
  ["about", "About", () => <About />],
];

export function SettingsScreen({ tab }: { tab: string }): VNode {
  const [, , shown] = tabs.find(([of]) => of === tab) ?? tabs[0] ?? [];
  return (
    <div class="screen">
      <h1 class="hidden">Settings</h1>
      <nav class="tabs" aria-label="Settings">
        {tabs.map(([of, label]) => (
          <a
            key={of}
            ref={of === tab ? intoView : null}
            href={href(["settings", of])}
            aria-current={of === tab ? "page" : undefined}
          >
            {label}
          </a>
        ))}
      </nav>
      {shown?.()}
    </div>
  );
}
