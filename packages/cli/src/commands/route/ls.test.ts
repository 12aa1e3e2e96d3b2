import { expect, it } from "vitest";
import { formatRoutes } from "./ls.ts";

it("a route is a line with its address and its service", () => {
  expect(
    formatRoutes([
      { host: "*.apps.example.com", path: "", service: "" },
      { host: "shop.example.com", path: "/blog", service: "blog" },
    ]),
  ).toBe(
    `ADDRESS                SERVICE
*.apps.example.com     by its label
shop.example.com/blog  blog`,
  );
});
