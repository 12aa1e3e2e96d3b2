import { describe, expect, it } from "vitest";
import { LeverError } from "./errors.ts";
import { formatLeverUrl, parseLeverUrl } from "./lever-url.ts";

describe("Lever URLs", () => {
  it.each([
    ["lever://dev.lever/svc/method", ["dev.lever", "svc", "", "method"]],
    ["LEVER://Dev.Lever:8080/svc/method", ["dev.lever:8080", "svc", "", "method"]],
    ["/svc/method", ["", "svc", "", "method"]],
    ["/svc//method", ["", "svc", "", "method"]],
    ["/svc/room/method", ["", "svc", "room", "method"]],
    ["/svc/a/b//c/method", ["", "svc", "a/b//c", "method"]],
    ["/s%20vc/r%2Fm%C3%A4/m%25", ["", "s vc", "r/mä", "m%"]],
    ["lever://[::1]:80/svc/method", ["[::1]:80", "svc", "", "method"]],
    ["lever://Dev.lever./svc/method", ["dev.lever", "svc", "", "method"]],
    ["lever://dev.lever.:80/svc/method", ["dev.lever:80", "svc", "", "method"]],
    ["/svc/method/", ["", "svc", "", "method"]],
    ["/svc/a//method/", ["", "svc", "a/", "method"]],
  ])("the Lever URL %s is parsed", (text, [environment, service, resource, method]) => {
    expect(parseLeverUrl(text)).toEqual({ environment, service, resource, method });
  });

  it.each([
    ["svc/method", "it starts neither with lever:// nor with one /"],
    ["//host/svc/method", "it starts neither with lever:// nor with one /"],
    ["http://dev.lever/svc/method", "its scheme is http, not lever"],
    ["lever://dev.lever", "it names no service and no method"],
    ["lever://dev.lever/svc", "it needs a service and a method: /service/method"],
    ["lever:///svc/method", '"" is not an environment\'s host name'],
    ["lever://a b/svc/method", '"a b" is not an environment\'s host name'],
    ["/svc", "it needs a service and a method: /service/method"],
    ["//", "it starts neither with lever:// nor with one /"],
    ["/svc/", "its method is empty"],
    ["/svc//", "its method is empty"],
    ["lever://dev.lever../svc/method", '"dev.lever.." is not an environment\'s host name'],
    ["lever://./svc/method", '"." is not an environment\'s host name'],
    ["/svc/%E0%A4%A/method", "it has a broken percent-escape"],
  ])("the Lever URL %s is refused", (text, problem) => {
    const message = `Cannot read the Lever URL ${text}: ${problem}.`;
    expect(() => parseLeverUrl(text)).toThrow(
      expect.objectContaining({ code: "malformed_request", message }),
    );
    expect(() => parseLeverUrl(text)).toThrow(LeverError);
  });

  it("a formatted Lever URL parses to the same parts", () => {
    for (const resource of ["", "room", "a/b", "ä %/\u{1F600}", "?#"]) {
      const url = { environment: "dev.lever", service: "s v", resource, method: "m/é" };
      expect(parseLeverUrl(formatLeverUrl(url))).toEqual(url);
      const relative = { ...url, environment: "" };
      expect(parseLeverUrl(formatLeverUrl(relative))).toEqual(relative);
    }
  });
});
