import { readFileSync } from "node:fs";
import { expect, it } from "vitest";
import { errorCodes, LeverError } from "./errors.ts";

/** The class as another bundle defines it. */
class Copy extends Error {
  readonly code: string;
  override readonly name = "LeverError";
  constructor(code: string) {
    super("Something was refused.");
    this.code = code;
  }
}

it("a LeverError of another copy of the class is a LeverError", () => {
  expect(new LeverError("forbidden", "") instanceof LeverError).toBe(true);
  expect(new Copy("forbidden") instanceof LeverError).toBe(true);
});

it("an error with another name or an unknown code is not a LeverError", () => {
  const named = Object.assign(new Error("x"), { code: "forbidden" });
  for (const other of [
    named,
    new Copy("ENOENT"),
    new Error("x"),
    { ...new Copy("forbidden") },
    null,
  ])
    expect(other instanceof LeverError).toBe(false);
});

const docs = new URL("../../../docs/", import.meta.url);

it("every code has an entry in Troubleshooting, and every entry there is of a code", () => {
  const page = readFileSync(new URL("guide/troubleshooting.md", docs), "utf8");
  const entries = [...page.matchAll(/^### (.*)$/gm)].map(([, heading]) => heading);
  expect(entries.toSorted()).toEqual(
    errorCodes()
      .map((code) => `\`${code}\``)
      .toSorted(),
  );
});

it("every code is in the HTTP API", () => {
  const page = readFileSync(new URL("reference/http.md", docs), "utf8");
  for (const code of errorCodes()) expect(page).toContain(`\`${code}\``);
});

it("an error has no property without a value, which would be printed with it", () => {
  expect(Object.keys(new LeverError("deadline_exceeded", "late"))).toEqual(["name", "code"]);
});
