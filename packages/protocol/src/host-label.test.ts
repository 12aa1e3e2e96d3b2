import { expect, it } from "vitest";
import { hostLabel } from "./host-label.ts";

it.each([
  ["web", "web"],
  ["helloService", "helloservice"],
  ["my_app-2", "my_app-2"],
  ["web.v2", undefined],
  ["web~", undefined],
  ["-web", undefined],
  ["web-", undefined],
  ["a".repeat(63), "a".repeat(63)],
  ["a".repeat(64), undefined],
])("the label of %s is %s", (service, label) => {
  expect(hostLabel(service)).toBe(label);
});
