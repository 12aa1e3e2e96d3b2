import { hostLabel, type SiteListing } from "@leveros/protocol";
import type { SiteRoute } from "../router/site-routes.ts";
import type { Sites } from "../router/sites.ts";
import type { VersionRecord } from "../store/store.ts";

type Listed = Pick<VersionRecord, "service" | "leverJson">;

/** Finds the addresses of the sites of an environment. undefined = the service answers no HTTP requests from outside. */
export function siteListings(
  sites: Sites,
  environment: string,
): (live: Listed) => SiteListing | undefined {
  const routes = [...sites.routes].filter((route) => route.environment === environment);
  const byService = Map.groupBy(routes, ({ service }) => service);
  return ({ service, leverJson }) => {
    const site = leverJson.private ? undefined : sites.of(environment, service);
    if (site === undefined) return undefined;
    const byLabel = (byService.get("") ?? []).flatMap(
      (route) => addressByLabel(sites, route, service) ?? [],
    );
    const named = byService.get(service) ?? [];
    return {
      hostName: sites.hostNameOf(environment, service),
      routes: [...named.map(({ host, path }) => host + path), ...byLabel].sort(),
      files: site.files === undefined ? undefined : leverJson.static,
    };
  };
}

/** The address of a service by a route whose label names it; undefined = it has none, or another route has that name. */
function addressByLabel(
  sites: Sites,
  { host, environment }: SiteRoute,
  service: string,
): string | undefined {
  const label = hostLabel(service);
  if (label === undefined || sites.named(environment, label) !== service) return undefined;
  const address = label + host.slice(1);
  return sites.routes.find(address, "/")?.isByLabel === true ? address : undefined;
}
