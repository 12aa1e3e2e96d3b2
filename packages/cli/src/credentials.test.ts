import { mkdtempSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { readCredential, writeCredential } from "./credentials.ts";

const host = new URL("http://lever.example:8080");
let variables: { XDG_CONFIG_HOME: string };

beforeEach(() => {
  variables = { XDG_CONFIG_HOME: mkdtempSync(join(tmpdir(), "lever-credentials-")) };
});

afterEach(() => rmSync(variables.XDG_CONFIG_HOME, { recursive: true }));

it("a token is stored for its host, in a file that only its user can read", () => {
  const path = writeCredential(host, "lever_a", variables);
  expect(path).toBe(join(variables.XDG_CONFIG_HOME, "lever/credentials.json"));
  expect(statSync(path).mode & 0o777).toBe(0o600);
  expect(readCredential(host, variables)).toBe("lever_a");
  expect(readCredential(new URL("http://other.example:8080"), variables)).toBeUndefined();
});

it("a token for a host with TLS is not sent to the same host without TLS", () => {
  writeCredential(new URL("https://lever.example:8080"), "lever_a", variables);
  expect(readCredential(host, variables)).toBeUndefined();
});

it("removing a token keeps those of other hosts", () => {
  const other = new URL("http://other.example:8080");
  writeCredential(host, "lever_a", variables);
  writeCredential(other, "lever_b", variables);
  writeCredential(host, undefined, variables);
  expect(readCredential(host, variables)).toBeUndefined();
  expect(readCredential(other, variables)).toBe("lever_b");
});

it("a damaged file counts as empty, and the next token replaces it", () => {
  const path = writeCredential(host, "lever_a", variables);
  writeFileSync(path, "{");
  expect(readCredential(host, variables)).toBeUndefined();
  writeCredential(host, "lever_b", variables);
  expect(readCredential(host, variables)).toBe("lever_b");
});
