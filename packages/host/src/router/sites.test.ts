import { expect, it } from "vitest";
import type { LiveVersion } from "./live-version.ts";
import { type Site, Sites, siteOf } from "./sites.ts";

const of = (method: string, service = "web") => ({
  environment: "dev.lever",
  service,
  resource: "",
  method,
});

const files = { folder: "/code/public" };

it.each<[string, Pick<LiveVersion, "methods"> & Partial<LiveVersion>, Site | undefined]>([
  ["methods alone", { methods: ["hello"] }, undefined],
  ["a program whose methods are not known", { methods: undefined }, undefined],
  ["fetch", { methods: ["fetch", "hello"] }, { methods: ["hello"], hasFetch: true }],
  ["files", { methods: [], files }, { methods: [], hasFetch: false, files }],
  ["a program and files", { methods: undefined, files }, { hasFetch: false, files }],
  ["files of a private service", { methods: [], files, isPrivate: true }, undefined],
  [
    "fetch and files of a private service",
    { methods: ["fetch"], files, isPrivate: true },
    { methods: [], hasFetch: true },
  ],
])("a version with %s is a site: %j", (_name, version, site) => {
  expect(siteOf({ version: 1, isPrivate: false, ...version })).toEqual(site);
});

it("a service is a site until its version is none", () => {
  const sites = new Sites();
  const changes: unknown[] = [];
  sites.changed.add((change) => changes.push(change));
  const place = { environment: "dev.lever", service: "web" };
  const site = { methods: ["hello"], hasFetch: true };
  sites.set("dev.lever", "plain", undefined);
  expect(sites.isEmpty).toBe(true);
  sites.set("dev.lever", "web", site);
  expect(sites.of("dev.lever", "web")).toBe(site);
  expect(sites.of("prod.lever", "web")).toBeUndefined();
  sites.set("dev.lever", "web", undefined);
  expect(sites.isEmpty).toBe(true);
  expect(changes).toEqual([
    { ...place, site },
    { ...place, site: undefined },
  ]);
});

it("a POST is a request to a site unless it names a method", () => {
  const sites = new Sites();
  sites.set("dev.lever", "web", { methods: ["hello"], hasFetch: true });
  sites.set("dev.lever", "program", { hasFetch: false, files });
  expect(sites.takesPost(of("hello"))).toBe(false);
  expect(sites.takesPost(of("fetch"))).toBe(true);
  expect(sites.takesPost(of("other"))).toBe(true);
  expect(sites.takesPost(of("other", "plain"))).toBe(false);
  expect(sites.takesPost(of("other", "program"))).toBe(false);
});

it("a label of a host name means the only service that differs from it by capitals alone, unless one has its name", () => {
  const sites = new Sites();
  const site = { methods: [], hasFetch: true };
  const named = (): unknown => sites.named("dev.lever", "myapp");
  sites.set("dev.lever", "myApp", site);
  sites.set("prod.lever", "MyApp", site);
  expect([named(), sites.hostNameOf("dev.lever", "myApp")]).toEqual([
    "myApp",
    "myapp.dev.lever.localhost",
  ]);
  sites.set("dev.lever", "MyApp", site);
  expect([named(), sites.hostNameOf("dev.lever", "myApp")]).toEqual([undefined, undefined]);
  sites.set("dev.lever", "myapp", site);
  expect([named(), sites.hostNameOf("dev.lever", "myApp")]).toEqual(["myapp", undefined]);
  for (const service of ["myapp", "MyApp"]) sites.set("dev.lever", service, undefined);
  expect(named()).toBe("myApp");
  sites.set("dev.lever", "myApp", undefined);
  expect(named()).toBeUndefined();
  sites.set("dev.lever", "my.app", site);
  expect(sites.hostNameOf("dev.lever", "my.app")).toBeUndefined();
});
