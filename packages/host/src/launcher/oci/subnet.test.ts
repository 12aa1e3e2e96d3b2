import { expect, it } from "vitest";
import { SUBNETS, subnetsFrom } from "./subnet.ts";

it("112 ranges lie next to each other from 10.213.0.0 to 10.219.255.255", () => {
  expect([SUBNETS.length, new Set(SUBNETS).size]).toEqual([112, 112]);
  expect([SUBNETS[0], SUBNETS[15], SUBNETS[16], SUBNETS.at(-1)]).toEqual([
    "10.213.0.0/20",
    "10.213.240.0/20",
    "10.214.0.0/20",
    "10.219.240.0/20",
  ]);
});

it("a host tries every range once and starts with the same one each time", () => {
  const order = subnetsFrom("00000fabcd");
  expect(order).toEqual(subnetsFrom("00000fabcd"));
  expect(order[0]).toBe(SUBNETS[15]);
  expect(order.toSorted()).toEqual(SUBNETS.toSorted());
});

it("hosts with other data folders start with other ranges", () => {
  expect(subnetsFrom("000001abcd")[0]).not.toBe(subnetsFrom("000002abcd")[0]);
});
