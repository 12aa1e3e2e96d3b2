import type { IncomingHttpHeaders } from "node:http";
import { expect, it } from "vitest";
import { Sites } from "../../router/sites.ts";
import { siteRequest } from "./site-request.ts";

const sites = new Sites();
sites.set("dev.lever", "web", { methods: ["hello", "ticksChan"], hasFetch: true });
sites.set("dev.lever", "myApp", { methods: [], hasFetch: true });
sites.set("dev.lever", "program", { hasFetch: false, files: { folder: "/code" } });

const routed = { path: "", environment: "dev.lever", service: "web" };
sites.routes.add({ ...routed, host: "shop.example.com" });
sites.routes.add({ ...routed, host: "shop.example.com", path: "/x", service: "program" });
sites.routes.add({ ...routed, host: "api.example.com", path: "/v1" });
sites.routes.add({ ...routed, host: "*.apps.example.com", service: "" });

const events = { accept: "text/event-stream" };
const preflight = { "access-control-request-method": "POST" };
const own = { host: "web.dev.lever.localhost:8080" };

it.each<[string, string, IncomingHttpHeaders, readonly [prefix: string, path: string] | undefined]>(
  [
    ["GET", "/web/", {}, ["/web", "/"]],
    ["GET", "/web/a/b?c=/d", {}, ["/web", "/a/b?c=/d"]],
    ["GET", "/%77eb/a", {}, ["/%77eb", "/a"]],
    ["GET", "/web//host/a", {}, ["/web", "//host/a"]],
    ["GET", "/web", {}, ["/web", ""]],
    ["GET", "/web?a=1", {}, ["/web", "?a=1"]],
    ["GET", "/web/", { host: "dev.lever" }, ["/web", "/"]],
    ["GET", "/web/?forceenv=dev.lever", { host: "x.example" }, ["/web", "/?forceenv=dev.lever"]],
    ["GET", "/web/", { host: "x.example" }, undefined],
    ["GET", "/web/", { host: "[" }, undefined],
    ["GET", "/other/", {}, undefined],
    ["GET", "//web/", {}, undefined],
    ["GET", "/%zz/", {}, undefined],
    ["OPTIONS", "*", {}, undefined],
    ["POST", "/web/hello", {}, undefined],
    ["POST", "/web/room/hello", {}, undefined],
    ["POST", "/web/fetch", {}, ["/web", "/fetch"]],
    ["POST", "/web/%zz", {}, ["/web", "/%zz"]],
    ["PUT", "/web/hello", {}, ["/web", "/hello"]],
    ["GET", "/web/hello", events, ["/web", "/hello"]],
    ["GET", "/web/ticksChan", events, undefined],
    ["GET", "/web/ticksChan", {}, ["/web", "/ticksChan"]],
    ["OPTIONS", "/web/hello", preflight, undefined],
    ["OPTIONS", "/web/hello", {}, ["/web", "/hello"]],
    ["POST", "/hello", own, ["", "/hello"]],
    ["GET", "/program/a", {}, ["/program", "/a"]],
    ["POST", "/program/anything", {}, undefined],
    ["POST", "/-/lever/web/hello", own, undefined],
    ["GET", "/-/lever", own, ["", "/-/lever"]],
    ["GET", "/-/ready", own, ["", "/-/ready"]],
    ["GET", "/-/ready", {}, undefined],
    ["GET", "/-/lever/web/", {}, undefined],
    ["GET", "/a?b", { host: "shop.example.com" }, ["", "/a?b"]],
    ["GET", "/x/y", { host: "Shop.Example.com:8443" }, ["/x", "/y"]],
    ["GET", "/x?a", { host: "shop.example.com" }, ["/x", "?a"]],
    ["POST", "/-/lever/other/hello", { host: "shop.example.com" }, undefined],
    ["GET", "/program/", { host: "shop.example.com" }, ["", "/program/"]],
    ["GET", "/", { host: "web.apps.example.com" }, ["", "/"]],
    ["GET", "/a", { host: "MyApp.dev.lever.localhost" }, ["", "/a"]],
    ["GET", "/a", { host: "myapp.apps.example.com" }, ["", "/a"]],
    ["GET", "/myapp/", {}, undefined],
  ],
)("%s %s with %j", (method, url, headers, expected) => {
  const request = { method, url, headers: { host: "127.0.0.1:8080", ...headers } };
  const found = siteRequest(request, sites);
  expect(found && [found.prefix, found.path]).toEqual(expected);
  if (found !== undefined)
    expect(found).toMatchObject({ environment: "dev.lever", site: expect.anything() });
});

it.each<[string, IncomingHttpHeaders, boolean]>([
  ["/web/live", {}, true],
  ["/web/ticksChan", {}, false],
  ["/ticksChan", own, true],
  ["/-/lever/web/ticksChan", own, false],
])("a request for a WebSocket at %s with %j is for the site: %s", (url, headers, isSite) => {
  const request = { method: "GET", url, headers: { host: "127.0.0.1:8080", ...headers } };
  expect(siteRequest(request, sites, true) !== undefined).toBe(isSite);
});

it.each([
  ["/", "other.dev.lever.localhost", "There is no service other in dev.lever"],
  ["/web/", "other.dev.lever.localhost", "There is no service other in dev.lever"],
  ["/", "other.apps.example.com", "There is no service other in dev.lever"],
  ["/", "api.example.com", "There is nothing at this path"],
])("%s at %s leads to no site", (url, host, reason) => {
  expect(() => siteRequest({ method: "GET", url, headers: { host } }, sites)).toThrow(reason);
});
