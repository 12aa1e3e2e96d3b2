import { expect, it } from "vitest";
import { networkPolicy } from "./network.ts";

it("internet and none stand alone, and everything else is a list", () => {
  expect(networkPolicy(["internet"])).toBe("internet");
  expect(networkPolicy(["none"])).toBe("none");
  expect(networkPolicy(["dns"])).toEqual(["dns"]);
  expect(networkPolicy(["none", "dns"])).toEqual(["none", "dns"]);
});
