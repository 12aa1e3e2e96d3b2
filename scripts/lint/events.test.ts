import { expect, it } from "vitest";
import { eventFaults } from "./events.ts";

const documents = [
  {
    path: "docs/reference/events.md",
    text: "| event | level |\n| `deployed` | info | x |\n| `host lost` | warn | x |\n",
  },
];

it("an event needs a row, and a row an event", () => {
  const text = `log("info", "deployer", "deployed");
    this.#options.log(\n  "error", part, "request failed", { reason });
    log("debug", "fleet", "instance starting");`;
  const sources = [
    { path: "packages/host/src/deployer/a.ts", text },
    { path: "packages/host/src/deployer/a.test.ts", text: 'log("info", "x", "only in a test")' },
  ];
  expect(eventFaults({ sources, documents })).toEqual([
    {
      path: "packages/host/src/deployer/a.ts",
      line: 2,
      reason: 'docs/reference/events.md has no row for the event "error request failed"',
    },
    {
      path: "docs/reference/events.md",
      line: 3,
      reason: 'the host never logs the event "warn host lost"',
    },
  ]);
});
