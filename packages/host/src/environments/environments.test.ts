import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { stateOf } from "../../../../tests/harness/state-of.ts";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { Router } from "../router/router.ts";
import { openSqliteStore, type SqliteStore } from "../store/sqlite-store.ts";
import { Environments } from "./environments.ts";

/** Environments with a real store and router, and what happens outside of them, in order. */
class World {
  readonly dir = mkdtempSync(join(tmpdir(), "lever-environments-"));
  readonly store: SqliteStore = openSqliteStore(join(this.dir, "lever.sqlite"));
  readonly router = new Router({
    limits: defaultLimits,
    clock: new VirtualClock(),
    nextEpoch: () => 1,
  });
  readonly events: string[] = [];
  restrictsNetworks = true;
  onFleetRemoves: () => Promise<void> = async () => {};
  commit: SqliteStore["commit"] = (...args) => this.store.commit(...args);

  async open(): Promise<Environments> {
    const see = (event: string) => async (name: string) => {
      this.events.push(`${event} ${name}`);
    };
    const store: SqliteStore = { ...this.store, commit: (...args) => this.commit(...args) };
    const opened: Environments = new Environments({
      store,
      state: stateOf(store, (applied) => opened.apply(applied)),
      notes: this.store.notes,
      router: this.router,
      fleet: {
        restrictsNetworks: this.restrictsNetworks,
        refuseNetwork: async (policy) =>
          policy.includes("10.213.0.1") ? "no instance" : undefined,
        setNetwork: async (name, policy) => {
          if (policy !== "internet") this.events.push(`restrict ${name}`);
        },
        removeEnvironment: async (name) => {
          this.events.push(`stop ${name}`);
          await this.onFleetRemoves();
        },
      },
      log: () => {},
      removeCode: see("code"),
      removeServiceData: see("data"),
    });
    await opened.open();
    return opened;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store.close();
    rmSync(this.dir, { recursive: true, force: true });
  }
}

let world: World;
let environments: Environments;
const name = "test.lever";

beforeEach(async () => {
  world = new World();
  environments = await world.open();
});

afterEach(() => world[Symbol.asyncDispose]());

const names = (of: Environments): string[] => of.list().map(({ environment }) => environment);

describe("a new host", () => {
  it("has dev.lever, and admin.lever, which takes no services", () => {
    expect(names(environments)).toEqual(["dev.lever"]);
    expect(environments.require("dev.lever").isPublic).toBe(false);
    expect(() => environments.require("admin.lever")).toThrow(
      expect.objectContaining({ code: "forbidden" }),
    );
    expect(world.router.environment("admin.lever")?.access.kind).toBe("platform");
  });
});

describe("an environment", () => {
  it("exists for the router and after a restart once it is created", async () => {
    await environments.create(name);
    expect(world.router.environment(name)?.access.kind).toBe("services");
    expect(names(await world.open())).toEqual(["dev.lever", name]);
  });

  it.each([name, "admin.lever"])("is created only once: %s", async (twice) => {
    await environments.create(name);
    await expect(environments.create(twice)).rejects.toMatchObject({ code: "conflict" });
  });

  it("keeps both of two changes that are made at once", async () => {
    await environments.create(name);
    await Promise.all([
      environments.change(name, { isPublic: true }),
      environments.change(name, { corsOrigins: [] }),
    ]);
    expect(environments.require(name)).toMatchObject({ isPublic: true, corsOrigins: [] });
    const reopened = await world.open();
    expect(reopened.require(name)).toMatchObject({ isPublic: true, corsOrigins: [] });
  });

  it("that does not exist cannot be changed or removed", async () => {
    const unknown = { code: "unknown_environment" };
    await expect(environments.change(name, { isPublic: true })).rejects.toMatchObject(unknown);
    await expect(environments.remove(name, { isForced: true })).rejects.toMatchObject(unknown);
    expect(names(environments)).toEqual(["dev.lever"]);
  });

  it("with a restricted network restricts its instances", async () => {
    await environments.change("dev.lever", { network: "none" });
    expect(world.events).toEqual(["restrict dev.lever"]);
  });

  it("cannot get a list of which a part is unreachable", async () => {
    const change = environments.change("dev.lever", { network: ["10.213.0.1"] });
    await expect(change).rejects.toThrow("Cannot set the network: no instance.");
    expect(environments.require("dev.lever").network).toBe("internet");
  });

  it("cannot be restricted where nothing enforces it", async () => {
    world.restrictsNetworks = false;
    const unrestricted = await world.open();
    await expect(unrestricted.change("dev.lever", { network: "none" })).rejects.toMatchObject({
      code: "not_supported",
    });
    expect(unrestricted.require("dev.lever").network).toBe("internet");
  });
});

describe("an environment that is removed", () => {
  it("leaves the store first, then the router, its instances, its data", async () => {
    await environments.create(name);
    let isRouted: boolean | undefined;
    world.onFleetRemoves = async () => {
      isRouted = world.router.environment(name) !== undefined;
      expect(await world.store.environments()).not.toContainEqual(
        expect.objectContaining({ environment: name }),
      );
    };
    await environments.remove(name, { isForced: false });
    expect(isRouted).toBe(false);
    expect(world.events).toEqual([`stop ${name}`, `data ${name}`]);
    expect(names(await world.open())).toEqual(["dev.lever"]);
  });

  it("stays as it is when the store refuses that", async () => {
    await environments.create(name);
    world.commit = () => Promise.reject(new Error("full"));
    await expect(environments.remove(name, { isForced: true })).rejects.toThrow("full");
    expect(environments.require(name)).toMatchObject({ environment: name });
    expect(world.router.environment(name)).toBeDefined();
    expect(world.events).toEqual([]);
  });

  it("loses its data at the next start when its removal was cut off", async () => {
    await environments.create(name);
    world.onFleetRemoves = () => Promise.reject(new Error("cut off"));
    await expect(environments.remove(name, { isForced: true })).rejects.toThrow("cut off");
    world.events.length = 0;
    await world.open();
    expect(world.events).toEqual([`data ${name}`]);
    await world.open();
    expect(world.events).toEqual([`data ${name}`]);
  });

  it("loses its data before it is created again when its removal has failed", async () => {
    await environments.create(name);
    world.onFleetRemoves = () => Promise.reject(new Error("no"));
    await expect(environments.remove(name, { isForced: true })).rejects.toThrow("no");
    world.events.length = 0;
    await environments.create(name);
    expect(world.events).toEqual([`data ${name}`]);
  });

  it("takes no deploys from the moment of its removal on", async () => {
    await environments.create(name);
    const removing = environments.remove(name, { isForced: false });
    await undefined;
    expect(() => environments.require(name)).toThrow(
      expect.objectContaining({ code: "unknown_environment" }),
    );
    await removing;
  });

  it("is created again only after its removal has ended", async () => {
    await environments.create(name);
    const stopped = Promise.withResolvers<void>();
    world.onFleetRemoves = () => stopped.promise;
    const removing = environments.remove(name, { isForced: false });
    const creating = environments.create(name);
    stopped.resolve();
    await Promise.all([removing, creating]);
    expect(world.events).toEqual([`stop ${name}`, `data ${name}`]);
    expect(names(environments)).toEqual(["dev.lever", name]);
    expect(names(await world.open())).toEqual(["dev.lever", name]);
  });

  it("must be forced to go when it has services", async () => {
    world.router.setService("dev.lever", "svc", { version: 1, isPrivate: false, methods: [] });
    await expect(environments.remove("dev.lever", { isForced: false })).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining("it has 1 services"),
    });
    await environments.remove("dev.lever", { isForced: true });
    expect(names(environments)).toEqual([]);
  });
});
