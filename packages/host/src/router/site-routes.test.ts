import { expect, it } from "vitest";
import { SiteRoutes } from "./site-routes.ts";

const route = (host: string, path: string, service: string, environment = "shop.lever") => ({
  host,
  path,
  environment,
  service,
});

it.each<[string, string, readonly [service: string, prefix: string] | undefined]>([
  ["shop.example.com", "/", ["web", ""]],
  ["shop.example.com", "", ["web", ""]],
  ["shop.example.com", "/blogs", ["web", ""]],
  ["shop.example.com", "/blog", ["blog", "/blog"]],
  ["shop.example.com", "/blog/", ["blog", "/blog"]],
  ["shop.example.com", "/blog/a/b", ["blog", "/blog"]],
  ["shop.example.com", "/blog/admin/x", ["admin", "/blog/admin"]],
  ["api.example.com", "/v1/x", ["api", "/v1"]],
  ["api.example.com", "/", undefined],
  ["one.apps.example.com", "/x", ["one", ""]],
  ["own.apps.example.com", "/x", ["special", ""]],
  ["a.one.apps.example.com", "/x", undefined],
  ["apps.example.com", "/x", undefined],
  ["*.apps.example.com", "/x", undefined],
  ["example.com", "/x", undefined],
  [".apps.example.com", "/x", undefined],
  ["", "/x", undefined],
])("%s%s leads to %j", (host, path, expected) => {
  const routes = new SiteRoutes();
  routes.add(route("shop.example.com", "/blog", "blog"));
  routes.add(route("shop.example.com", "", "web"));
  routes.add(route("shop.example.com", "/blog/admin", "admin"));
  routes.add(route("api.example.com", "/v1", "api"));
  routes.add(route("*.apps.example.com", "", ""));
  routes.add(route("own.apps.example.com", "", "special"));
  const found = routes.find(host, path);
  expect(found && [found.service, found.prefix]).toEqual(expected);
});

it("a host name has routes until the last of them is removed", () => {
  const routes = new SiteRoutes();
  const changes: unknown[] = [];
  routes.changed.add(({ route: { path }, isKnown }) => changes.push([path, isKnown]));
  expect(routes.environmentOf("a.example")).toBeUndefined();
  routes.add(route("a.example", "", "web"));
  routes.add(route("a.example", "/x", "other"));
  expect(routes.environmentOf("a.example")).toBe("shop.lever");
  routes.remove(route("a.example", "", "web"));
  expect(routes.find("a.example", "/")).toBeUndefined();
  expect(routes.environmentOf("a.example")).toBe("shop.lever");
  routes.remove(route("a.example", "/x", "other"));
  routes.remove(route("a.example", "/x", "other"));
  expect(routes.isEmpty).toBe(true);
  expect(changes).toEqual([
    ["", true],
    ["/x", true],
    ["", false],
    ["/x", false],
  ]);
});

it("a route that is added again replaces the one before", () => {
  const routes = new SiteRoutes();
  routes.add(route("a.example", "", "old"));
  routes.add(route("a.example", "", "new"));
  expect([...routes]).toEqual([route("a.example", "", "new")]);
});
