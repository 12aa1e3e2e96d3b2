import { describe, expect, it } from "vitest";
import * as known from "./arguments.ts";

describe("an argument is read as the value that it stands for", () => {
  it.each([
    [known.environment, "Dev.Lever", "dev.lever"],
    [known.newEnvironment, "Test.lever", "test.lever"],
    [known.service, "helloService", "helloService"],
    [known.serviceOrAll, "", ""],
    [known.optionalService, undefined, undefined],
    [known.optionalService, null, undefined],
    [known.optionalVersion, 3, 3],
    [known.isPublic, false, false],
    [known.origins, ["*", "https://app.example"], ["*", "https://app.example"]],
    [known.networkPolicy, ["dns"], ["dns"]],
    [known.flag("force"), undefined, false],
    [known.flag("force"), {}, false],
    [known.flag("force"), { force: true, other: 1 }, true],
  ])("%#: $name", (argument, value, expected) => {
    expect(argument.read(value)).toEqual(expected);
  });
});

describe("an argument of another form is refused, with what was found and what is allowed", () => {
  it.each([
    [known.environment, 5, 'the argument "environment": it is 5; allowed is a name'],
    [known.environment, "", 'it is ""; allowed is a name'],
    [known.service, undefined, 'the argument "service": it is missing'],
    [known.optionalVersion, "3", 'it is "3"; allowed is the number of a version'],
    [known.isPublic, "yes", "allowed is true or false"],
    [known.newEnvironment, "a b", 'Cannot create "a b": allowed is a host name'],
    [known.newEnvironment, "x.lever:80", "allowed is a host name"],
    [known.newEnvironment, "x/y", "allowed is a host name"],
    [
      known.newEnvironment,
      "LocalHost",
      "Cannot create localhost: calls to that name go to dev.lever",
    ],
    [known.origins, ["app.example"], "allowed is a list of origins"],
    [known.networkPolicy, [], "Cannot set the network: allowed is"],
    [known.flag("force"), "force", 'allowed is {"force": true}'],
    [known.flag("secret"), { secret: "true" }, "allowed is true or false"],
  ])("%#: %j", (argument, value, message) => {
    expect(() => argument.read(value)).toThrow(message);
  });
});

it("a refused text is not shown: it may be a secret", () => {
  expect(() => known.text("value").read(["s3cret"])).toThrow(/^((?!s3cret).)*$/);
});
