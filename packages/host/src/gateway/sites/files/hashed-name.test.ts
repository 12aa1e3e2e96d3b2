import { expect, it } from "vitest";
import { isHashedName } from "./hashed-name.ts";

it.each([
  "main.3f2a9c1b.js",
  "main.3f2a9c1b.chunk.css",
  "assets/index-BfK3x9aL.js",
  "assets/index-DkTVqfBa.css",
  "assets/style-D8a_1-Zx.css",
  "app-3f2a9c1bd4e5f607.js",
  "logo.0a1b2c3d4e5f.svg",
])("%s has a hash", (name) => {
  expect(isHashedName(name)).toBe(true);
});

it.each([
  "index.html",
  "index-BfK3x9aL.html",
  "main.js",
  "jquery-3.7.1.min.js",
  "my-bootstrap5.css",
  "photo-20241231.jpg",
  "photo.20241231.jpg",
  "some-document.pdf",
  "foo-Overview.md",
  "README-TEMPLATE.md",
  "deadbeef.js",
  "3f2a9c1b",
  "3f2a9c1b/main.js",
])("%s has no hash", (name) => {
  expect(isHashedName(name)).toBe(false);
});
