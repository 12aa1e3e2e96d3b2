import { expect, it } from "vitest";
import {
  hookNamed,
  isCallableName,
  isReservedName,
  isStreamingName,
  refuseMethodName,
} from "./method-name.ts";

it.each([
  ["chatChan", true],
  ["chat_chan", true],
  ["chan", true],
  ["Chan", true],
  ["chat", false],
  ["chanChat", false],
  ["chatchan", false],
])("isStreamingName(%j) is %j", (name, expected) => {
  expect(isStreamingName(name)).toBe(expected);
});

it("the hooks are reserved names, in both spellings, and not callable", () => {
  for (const name of ["newResource", "closeResource", "NewResource", "CloseResource"]) {
    expect([isReservedName(name), isCallableName(name)]).toEqual([true, false]);
  }
});

it("a hook has two spellings", () => {
  expect(hookNamed("newResource")).toBe("newResource");
  expect(hookNamed("NewResource")).toBe("newResource");
  expect(hookNamed("NEWRESOURCE")).toBeUndefined();
});

it("names that start with _ and the default export are not callable", () => {
  for (const name of ["_private", "_", "default"]) expect(isCallableName(name)).toBe(false);
  for (const name of ["greet", "greet_", "Default"]) expect(isCallableName(name)).toBe(true);
});

it.each([
  ["", "the name is empty"],
  ["a/b", "a / separates"],
  ["..", "a folder of the URL"],
  ["a\rb", "a control character"],
  ["a\nb", "a control character"],
  ["\u009b2J", "a control character"],
  ["a\ud800", "half of a surrogate pair"],
])("a URL cannot name a method %j", (name, reason) => {
  expect(refuseMethodName(name)).toContain(reason);
});

it.each(["a", "sayHello", "say hello", "grüße", "日本", "\u{1F600}", "a.b", "a\\b", "%2F"])(
  "a URL can name a method %j",
  (name) => {
    expect(refuseMethodName(name)).toBeUndefined();
  },
);
