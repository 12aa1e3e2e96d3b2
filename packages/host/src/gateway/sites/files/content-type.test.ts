import { expect, it } from "vitest";
import { contentType } from "./content-type.ts";

it.each([
  ["index.html", "text/html; charset=utf-8"],
  ["a/b.CSS", "text/css; charset=utf-8"],
  ["app.mjs", "text/javascript; charset=utf-8"],
  ["data.json", "application/json"],
  ["logo.svg", "image/svg+xml"],
  ["font.woff2", "font/woff2"],
  ["module.wasm", "application/wasm"],
  ["site.webmanifest", "application/manifest+json"],
  ["feed.xml", "text/xml"],
  ["html", "application/octet-stream"],
  ["a.html/LICENSE", "application/octet-stream"],
  ["x.constructor", "application/octet-stream"],
  ["x.__proto__", "application/octet-stream"],
  ["x.", "application/octet-stream"],
])("%s has the type %s", (name, type) => {
  expect(contentType(name)).toBe(type);
});
