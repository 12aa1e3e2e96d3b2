import { expect, it } from "vitest";
import { parsePeerMessage } from "./peer-messages.ts";

const service = { environment: "dev.lever", service: "svc" };
const load = {
  callsInFlight: 1,
  callsWaiting: 0,
  running: 2,
  callsPassedOn: 0,
  idleMs: 9,
  told: 3,
};

it.each([
  { type: "places", services: [{ ...service, free: 3 }] },
  { type: "places", services: [{ ...service, free: undefined }] },
  {
    type: "places",
    services: [{ ...service, free: 1, load }],
    room: { ramMax: 5, ramReserved: 2, restrictsNetworks: true },
    wanted: [{ service: "dev.lever/svc", wanted: 2 }],
  },
  { type: "taking", isTaking: false },
  { type: "prepare", number: 1, version: { codeId: "c" } },
  { type: "prepared", number: 1 },
  { type: "declined", call: 7, declined: { reason: "busy" } },
  { type: "declined", call: 7, declined: { reason: "not owner", owner: undefined } },
  {
    type: "declined",
    call: 7,
    declined: { reason: "not owner", owner: { host: "a", incarnation: 2 } },
  },
])("a message of a host is read as it was sent: %j", (message) => {
  expect(parsePeerMessage(JSON.parse(JSON.stringify(message)))).toEqual(message);
});

it.each([
  [null],
  ["places"],
  [{ type: "places" }],
  [{ type: "places", services: [null] }],
  [{ type: "places", services: [{ environment: "dev.lever", free: 1 }] }],
  [{ type: "places", services: [{ ...service, free: "1" }] }],
  [{ type: "places", services: [{ ...service, load: { ...load, running: -1 } }] }],
  [{ type: "places", services: [], room: { ramMax: "5" } }],
  [{ type: "places", services: [], wanted: [{ wanted: 1 }] }],
  [{ type: "taking" }],
  [{ type: "prepare", number: 1 }],
  [{ type: "prepared" }],
  [{ type: "declined", declined: { reason: "busy" } }],
  [{ type: "declined", call: 7 }],
  [{ type: "declined", call: 7, declined: { reason: "tired" } }],
  [{ type: "another" }],
])("a message that no host sends is refused: %j", (message) => {
  expect(() => parsePeerMessage(message)).toThrow(/^Cannot read /);
});
