import type { ServiceDetails } from "@leveros/protocol";
import type { VNode } from "preact";
import { useCalled, useWatched } from "../../data/hooks.ts";
import { age } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Icon } from "../../parts/icon.tsx";
import { intoView } from "../../parts/into-view.ts";
import { environment, href } from "../../route.ts";
import { Calls } from "../calls/calls.tsx";
import { Events } from "../events/events.tsx";
import { Logs } from "../logs/logs.tsx";
import { minutesShown, TrafficCharts } from "../overview/overview.tsx";
import { Variables } from "../settings/variables.tsx";
import { ServiceActions } from "./actions.tsx";
import { Instances } from "./instances.tsx";
import { Methods } from "./methods.tsx";
import { Resources } from "./resources.tsx";
import { Scaling } from "./scaling.tsx";
import { ServiceTiles } from "./service-tiles.tsx";
import { Versions } from "./versions.tsx";

const tabs: readonly (readonly [tab: string, label: string])[] = [
  ["overview", "Overview"],
  ["logs", "Logs"],
  ["calls", "Calls"],
  ["instances", "Instances"],
  ["versions", "Versions"],
  ["resources", "Resources"],
  ["scaling", "Scaling"],
  ["variables", "Variables"],
  ["events", "Events"],
];

export function ServiceScreen({ service, tab }: { service: string; tab: string }): VNode {
  const { value, failure } = useWatched("getService", [environment(), service]);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined || value.service !== service) {
    return <div class="screen" aria-busy="true" />;
  }
  const shown = value.platform === true ? tabs.filter(([of]) => of === "overview") : tabs;
  return (
    <div class={tab === "logs" ? "screen fill" : "screen"}>
      <Head service={value} />
      <nav class="tabs" aria-label="Parts of the service">
        {shown.map(([of, label]) => (
          <a
            key={of}
            ref={of === tab ? intoView : null}
            href={href(of === "overview" ? ["s", service] : ["s", service, of])}
            aria-current={of === tab ? "page" : undefined}
          >
            {label}
            {of === "instances" && <span class="count">{value.instances.length}</span>}
          </a>
        ))}
      </nav>
      <Tab key={service} service={value} tab={tab} />
    </div>
  );
}

function Head({ service: of }: { service: ServiceDetails }): VNode {
  const { service, description, version, deployedAt, failing, instances } = of;
  const tone = failing !== undefined ? "err" : instances.length > 0 ? "ok" : "";
  return (
    <>
      <header class="title">
        <h1>
          <i class={`dot ${tone}`} />
          {service}
        </h1>
        <span class="version">v{version}</span>
        {of.private && <span class="version">private</span>}
        <span class="muted cut">
          {deployedAt !== undefined && `${age(deployedAt, Date.now())} ago`}
          {description !== "" && `, “${description}”`}
        </span>
        <span class="end actions">
          <a class="quiet" href={href(["call"], { m: service })}>
            <Icon name="play" />
            Call
          </a>
          {of.platform !== true && <ServiceActions service={of} />}
        </span>
      </header>
      {failing !== undefined && (
        <div class="notice err" role="alert">
          <Icon name="warning" />
          <span>
            {failing.inARow} instances in a row have failed. {failing.reason}
          </span>
        </div>
      )}
    </>
  );
}

function Tab({ service: of, tab }: { service: ServiceDetails; tab: string }): VNode {
  const { service } = of;
  switch (tab) {
    case "logs":
      return <Logs service={service} />;
    case "calls":
      return <Calls service={service} />;
    case "instances":
      return <Instances service={of} />;
    case "versions":
      return <Versions service={of} />;
    case "resources":
      return <Resources service={service} />;
    case "scaling":
      return <Scaling service={service} />;
    case "variables":
      return <Variables service={service} />;
    case "events":
      return <Events service={service} />;
    default:
      return <Summary service={of} />;
  }
}

const MINUTE_MS = 60_000;

function Summary({ service: of }: { service: ServiceDetails }): VNode {
  const minutes = minutesShown();
  const minute = minutes === 0 ? 0 : Math.floor(Date.now() / MINUTE_MS);
  const past = useCalled("getService", [of.environment, of.service, { minutes }], minute);
  const series = (minutes === 0 ? undefined : past.value?.series) ?? of.series;
  return (
    <>
      <ServiceTiles service={of} />
      <section class="charts" aria-label="Calls over time">
        <TrafficCharts series={series} />
      </section>
      <Methods service={of} />
    </>
  );
}
