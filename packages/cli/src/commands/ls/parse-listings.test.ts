import { expect, it } from "vitest";
import { parseListings } from "./parse-listings.ts";

const listing = {
  environment: "dev.lever",
  service: "hello",
  description: "",
  private: false,
  liveVersion: 1,
  methods: ["sayHello"],
  versions: [{ version: 1, deployedAt: "2026-03-01T11:30:00Z", archiveBytes: 1, unpackedBytes: 2 }],
  instances: [
    {
      instance: "hello-1-aa",
      version: 1,
      state: "ready",
      callsInFlight: 0,
      startedAt: "2026-03-01T11:30:00Z",
    },
  ],
};

it("a list of services may have further fields of a newer host", () => {
  const listings = [{ ...listing, colour: "green" }];
  expect(parseListings(listings)).toBe(listings);
  expect(parseListings([])).toEqual([]);
});

it.each([
  null,
  "hello",
  { services: [] },
  [null],
  [{ ...listing, service: 7 }],
  [{ ...listing, methods: [7] }],
  [{ ...listing, versions: [{ ...listing.versions[0], deployedAt: "yesterday" }] }],
  [{ ...listing, instances: [{}] }],
])("%j is not an answer of a host", (value) => {
  expect(() => parseListings(value)).toThrow("the answer is not from a Lever host");
});
