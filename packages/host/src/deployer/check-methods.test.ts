import { expect, it } from "vitest";
import { checkMethods } from "./check-methods.ts";

it("a service whose methods can be named is accepted", () => {
  expect(checkMethods("abc", ["sayHello", "größe", "chan"])).toBeUndefined();
});

it.each(["a/b", "a\rb", "a\nSet-Cookie: x", "\u001b[2J", "", `${"x".repeat(1_000)}/`])(
  "a service with a method %j is refused",
  (method) => {
    const check = (): void => checkMethods("abc", ["fine", method]);
    expect(check).toThrow(expect.objectContaining({ code: "invalid_service" }));
    expect(check).toThrow(
      `no URL can name its method ${JSON.stringify(method.slice(0, 100))}, because`,
    );
    expect(check).not.toThrow(/\p{Cc}/u);
  },
);
