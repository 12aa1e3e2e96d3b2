import { expect, it } from "vitest";
import { Sites } from "./sites.ts";

const of = (method: string, service = "web") => ({
  environment: "dev.lever",
  service,
  resource: "",
  method,
});

it("a service is a site as long as its live version has fetch", () => {
  const sites = new Sites();
  const changes: unknown[] = [];
  sites.changed.add(({ environment, service, methods }) =>
    changes.push([environment, service, methods]),
  );
  sites.set("dev.lever", "plain", ["hello"]);
  sites.set("dev.lever", "program", undefined);
  expect(sites.isEmpty).toBe(true);
  sites.set("dev.lever", "web", ["fetch", "hello"]);
  expect(sites.methodsOf("dev.lever", "web")).toEqual(["hello"]);
  expect(sites.methodsOf("prod.lever", "web")).toBeUndefined();
  expect([...sites]).toEqual([["dev.lever", "web", ["hello", "fetch"]]]);
  sites.set("dev.lever", "web", ["hello"]);
  expect(sites.isEmpty).toBe(true);
  expect(changes).toEqual([
    ["dev.lever", "web", ["fetch", "hello"]],
    ["dev.lever", "web", undefined],
  ]);
});

it("a POST is for the fetch of a site unless it names a method", () => {
  const sites = new Sites();
  sites.set("dev.lever", "web", ["fetch", "hello"]);
  expect(sites.takesPost(of("hello"))).toBe(false);
  expect(sites.takesPost(of("fetch"))).toBe(true);
  expect(sites.takesPost(of("other"))).toBe(true);
  expect(sites.takesPost(of("other", "plain"))).toBe(false);
});
