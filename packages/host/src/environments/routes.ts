import { LeverError } from "@leveros/protocol";
import type { Router } from "../router/router.ts";
import type { State } from "../state/state.ts";
import { type AppliedChange, ROUTES_KEY } from "../store/change.ts";
import type { RouteRecord, Store } from "../store/store.ts";
import { covers, formatRoute, type RouteAddress } from "./route-address.ts";

const ROUTES_MAX = 10_000;

export interface RoutesOptions {
  readonly store: Pick<Store, "routes" | "environments">;
  readonly state: State;
  readonly router: Pick<Router, "sites">;
}

/**
 * The host names of services. Each change is in the store first. `apply` then gives it to the gateways. A host name belongs to one
 * environment: services with one name have one origin in browsers.
 */
export class Routes {
  readonly #options: RoutesOptions;

  constructor(options: RoutesOptions) {
    this.#options = options;
  }

  /** Makes the routes of the store those of the gateways. */
  async open(): Promise<void> {
    const { store, router } = this.#options;
    const { routes } = router.sites;
    const records = await store.routes();
    const addresses = new Set(records.map(formatRoute));
    for (const route of [...routes]) {
      if (!addresses.has(formatRoute(route))) routes.remove(route);
    }
    for (const record of records) routes.add(record);
  }

  /** Carries a change out that the store has. */
  apply({ change }: AppliedChange): void {
    const { routes } = this.#options.router.sites;
    switch (change.kind) {
      case "routeAdded":
        routes.add(change.record);
        break;
      case "routeRemoved":
        routes.remove(change.record);
        break;
      case "environmentRemoved":
        for (const route of [...routes]) {
          if (route.environment === change.environment) routes.remove(route);
        }
    }
  }

  /** The routes of an environment, by host name and path. */
  async list(environment: string): Promise<readonly RouteRecord[]> {
    const records = await this.#options.store.routes();
    return records.filter((record) => record.environment === environment);
  }

  /**
   * Leads a host name, or paths of it, to a service.
   * @throws LeverError `malformed_request` when the address and the service do not go together; `conflict` when something else has
   * the name
   */
  async add(record: RouteRecord): Promise<void> {
    const { store, state } = this.#options;
    const { host, service } = record;
    if (host.startsWith("*.") && service !== "") {
      throw refusal(
        "malformed_request",
        record,
        "its first label names the service, so leave the service out",
      );
    }
    if (!host.startsWith("*.") && service === "") {
      throw refusal("malformed_request", record, "name the service that it leads to");
    }
    await state.change(ROUTES_KEY, async () => {
      const records = await store.routes();
      const taken = whoHas(record, records);
      const names = (await store.environments()).map(({ environment }) => environment);
      const named = names.find((name) => covers(host, name));
      if (taken !== undefined) throw refusal("conflict", record, taken);
      if (named !== undefined)
        throw refusal("conflict", record, `${named} is the name of an environment`);
      if (records.length >= ROUTES_MAX)
        throw refusal("conflict", record, `there are ${ROUTES_MAX} routes already`);
      return { kind: "routeAdded", record };
    });
  }

  /** @throws LeverError `not_found` when the environment has no such route */
  async remove(environment: string, address: RouteAddress): Promise<void> {
    const { store, state } = this.#options;
    await state.change(ROUTES_KEY, async () => {
      const records = await store.routes();
      const record = records.find((of) => isSame(of, address) && of.environment === environment);
      if (record === undefined) {
        throw new LeverError(
          "not_found",
          `Cannot remove the route ${formatRoute(address)}: ${environment} has none with this address. lever route ls lists its routes.`,
        );
      }
      return { kind: "routeRemoved", record };
    });
  }
}

/** Why a new route is in conflict with those that there are; undefined = it is not. */
function whoHas(record: RouteRecord, records: readonly RouteRecord[]): string | undefined {
  const { environment } = record;
  const same = records.find((of) => isSame(of, record));
  if (same?.environment === environment) {
    return `it leads to ${same.service || "services"} in ${environment} already. To change it, remove it first: lever route rm`;
  }
  const other = records.find(
    (of) => of.environment !== environment && covers(of.host, record.host),
  );
  return other && `the name ${other.host} belongs to the environment ${other.environment}`;
}

function isSame(one: RouteAddress, other: RouteAddress): boolean {
  return one.host === other.host && one.path === other.path;
}

function refusal(
  code: "malformed_request" | "conflict",
  address: RouteAddress,
  reason: string,
): LeverError {
  return new LeverError(code, `Cannot add the route ${formatRoute(address)}: ${reason}.`);
}
