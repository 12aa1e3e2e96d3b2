import { expect, it } from "vitest";
import { chooseServer } from "./choose-server.ts";
import type { ServerFacts } from "./postgres-session.ts";
import { parseDatabaseUrl } from "./postgres-url.ts";

const server = (name: string, facts: Partial<ServerFacts> = {}): ServerFacts => ({
  address: parseDatabaseUrl(`postgres://u@${name}/d`),
  version: 150_018,
  systemIdentifier: "1",
  isWritable: true,
  timeline: "00000001",
  ...facts,
});
const standby = { isWritable: false, timeline: "" };
const known = { systemIdentifier: "1", timeline: "00000002" };

it("of several writable servers, the one with the highest timeline is used", () => {
  const servers = [
    server("a", standby),
    server("b"),
    server("c", { timeline: "0000000A" }),
    server("d", { timeline: "00000009" }),
  ];
  expect(chooseServer(servers, undefined)).toEqual({ kind: "use", server: servers[2] });
  expect(chooseServer(servers, known)).toEqual({ kind: "use", server: servers[2] });
});

it.each([
  ["an old version", server("a", { version: 130_022 }), "it is PostgreSQL 13, and Lever needs 14"],
  ["a standby", server("a", standby), "it is a standby, or read-only. Give the URL of the primary"],
  ["another database", server("a", { systemIdentifier: "2" }), "it is another database than"],
  ["a former primary", server("a"), "it is a former primary (timeline 00000001), and another"],
])("%s is refused with a remedy", (_name, refused, reason) => {
  expect(chooseServer([refused], known)).toEqual({
    kind: "none",
    reason: expect.stringContaining(`a:5432/d: ${reason}`),
  });
});

it("writable servers of two databases are refused together", () => {
  const servers = [server("a"), server("b", { systemIdentifier: "2" })];
  expect(chooseServer(servers, undefined)).toMatchObject({
    reason: expect.stringContaining("a:5432/d and b:5432/d are different databases"),
  });
});
