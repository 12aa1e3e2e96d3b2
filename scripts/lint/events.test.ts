import { expect, it } from "vitest";
import { eventFaults } from "./events.ts";

const path = "docs/reference/events.md";

const faultsOf = (rows: string, text: string): readonly string[] =>
  eventFaults({
    documents: [{ path, text: `| event | level | part |\n| --- | --- | --- |\n${rows}` }],
    sources: [
      { path: "packages/host/src/fleet/a.ts", text },
      { path: "packages/host/src/fleet/a.test.ts", text: 'log("info", "x", "only in a test")' },
    ],
  }).map((fault) => `${fault.path}:${fault.line}: ${fault.reason}`);

it("a row for each event and part, and an event for each row, are no faults", () => {
  const rows = "| `output` | info | `fleet`, `workers` | x |\n| `failed` | error | any | x |\n";
  const code = `log("info", "fleet", "output");
    log("info", "workers", "output", { line });
    this.#options.log(\n  "error", part, "failed", { reason });
    log("debug", "fleet", "a detail");`;
  expect(faultsOf(rows, code)).toEqual([]);
});

it("an event without a row, and a row without an event, are faults", () => {
  const rows = "| `output` | info | `fleet`, `workers` | x |\n";
  expect(faultsOf(rows, '\nlog("warn", "fleet", "output");')).toEqual([
    'packages/host/src/fleet/a.ts:2: docs/reference/events.md has no row for warn "output" of the part fleet',
    'docs/reference/events.md:3: the host never logs info "output" of the part fleet',
    'docs/reference/events.md:3: the host never logs info "output" of the part workers',
  ]);
});
