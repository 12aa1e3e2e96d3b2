import { expect, it } from "vitest";
import { firstTokenCommand, isolationFields } from "./start-messages.ts";

it.each([
  ["192.0.2.7", "192.0.2.7:8080"],
  ["0.0.0.0", "127.0.0.1:8080"],
  ["::", "127.0.0.1:8080"],
  ["2001:db8::1", "[2001:db8::1]:8080"],
])("the first token of a host that listens on %s is created at %s", (bind, host) => {
  expect(firstTokenCommand({ bind, port: 8080 }, undefined)).toBe(
    `lever -H ${host} token create --in '*' --rights admin`,
  );
});

it("the log says how instances are isolated, and why not more strictly", () => {
  expect(isolationFields({ isolation: "oci" })).toEqual({ isolation: "oci" });
  expect(isolationFields({ isolation: "process", isolationReason: "No runc." })).toEqual({
    isolation: "process",
    isolationReason: "No runc.",
    users: "own",
  });
  expect(isolationFields({ isolation: "process", sharedUserReason: "not root" })).toEqual({
    isolation: "process",
    users: "shared",
    sharedUserReason: "not root",
  });
});
