import { expect, it } from "vitest";
import { decideShare, type ServiceShare, type SharedLoad } from "./decide-share.ts";

const NOW = 100_000;
const decide = (
  share: Partial<ServiceShare>,
  load: Partial<SharedLoad>,
  recent: Parameters<typeof decideShare>[0] = [],
): string => {
  const { wanted, reason } = decideShare(
    recent,
    {
      callsInFlight: 0,
      callsWaiting: 0,
      running: 0,
      maxInstanceLoad: 10,
      maxInstances: 20,
      ...load,
    },
    { share: { told: 0, others: 0, ...share }, now: NOW, scaleDownAfterMs: 45_000 },
  );
  return `${wanted} ${reason}`;
};

it.each<[what: string, outcome: string, ...Parameters<typeof decide>]>([
  ["a host has what its home wants", "2 told", { told: 2 }, { callsInFlight: 90 }],
  ["before the home says anything, what runs stays", "3 told", { told: undefined }, { running: 3 }],
  [
    "calls that find no room start instances at once",
    "2 load",
    {},
    { callsInFlight: 9, callsWaiting: 2 },
  ],
  ["fewer than the home wants need nothing more", "3 told", { told: 3 }, { callsWaiting: 5 }],
  ["they stay for a while", "4 recentLoad", { told: 1 }, {}, [{ at: NOW - 44_000, needed: 4 }]],
  ["and then end", "1 told", { told: 1 }, {}, [{ at: NOW - 45_000, needed: 4 }]],
  [
    "instances of other hosts count towards the most",
    "1 maxInstances",
    { others: 19 },
    { callsWaiting: 50 },
  ],
  ["none starts when the others have all", "0 told", { others: 20 }, { callsWaiting: 0 }],
  ["the home may want more than is left", "2 told", { told: 2, others: 19 }, { callsWaiting: 5 }],
])("%s", (_, outcome, ...of) => {
  expect(decide(...of)).toBe(outcome);
});
