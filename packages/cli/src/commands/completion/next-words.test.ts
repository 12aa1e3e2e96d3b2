import { expect, it } from "vitest";
import { loadCommands } from "../index.ts";
import { type KnownCommands, nextWords } from "./next-words.ts";

const at = "2026-03-01T10:00:00.000Z";
const known: KnownCommands = {
  names: ["logs", "ls", "env", "invoke"],
  load: async (name) => (await loadCommands(name))[0]?.commands[0],
  contexts: () => ["prod", "staging"],
  services: async () =>
    ["shop", "pay"].map((service) => ({
      environment: "dev.lever",
      service,
      description: "",
      private: false,
      liveVersion: 1,
      methods: ["price", "$(reboot)", "two words"],
      versions: [],
      instances: [
        { instance: `${service}-1-a`, version: 1, state: "ready", callsInFlight: 0, startedAt: at },
      ],
    })),
};

it.each([
  [["l"], ["logs", "ls"]],
  [["-E", "a.lever", "en"], ["env"]],
  [["logs", "s"], ["shop"]],
  [["logs", "shop", ""], []],
  [["logs", "--inst"], ["--instance"]],
  [["logs", "--instance", "p"], ["pay-1-a"]],
  [
    ["why", ""],
    ["pay-1-a", "shop-1-a"],
  ],
  [["invoke", "/s"], ["/shop/price"]],
  [
    ["env", "c"],
    ["close", "create"],
  ],
  [["context", "use", "p"], ["prod"]],
  [["-"], ["--env", "--help", "--host"]],
])("the words that may end %j are found", async (words, expected) => {
  expect(await nextWords(words, known)).toEqual(expected);
});
