import { expect, it } from "vitest";
import type { GatewayCounts } from "../metrics/gateway-meter.ts";
import { WorkerPlace } from "./worker-place.ts";

const counts = (http1: number, forbidden: number): GatewayCounts => ({
  connections: 5,
  bodyBytes: 7,
  busyRatio: 0.5,
  requests: [["http1", http1]],
  refusals: [["forbidden", forbidden]],
});

it("the counts of a worker are continued by the one that replaces it", () => {
  const place = new WorkerPlace();
  expect(place.counts).toEqual({
    connections: 0,
    bodyBytes: 0,
    busyRatio: 0,
    requests: [],
    refusals: [],
  });
  place.take({ counts: counts(10, 1) });
  expect(place.counts).toEqual(counts(10, 1));
  place.take({ counts: undefined });
  expect(place.counts).toMatchObject({
    connections: 0,
    requests: [["http1", 10]],
    refusals: [["forbidden", 1]],
  });
  place.take({ counts: counts(3, 2) });
  expect(place.counts).toEqual(counts(13, 3));
});
