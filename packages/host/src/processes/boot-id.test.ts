import { expect, it } from "vitest";
import { bootId } from "./boot-id.ts";

it.runIf(process.platform === "linux")("the boot's id is the same at each reading", () => {
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);
  expect(bootId()).toBe(bootId());
});
