import { expect, it } from "vitest";
import { uploadFailed } from "./upload-failed.ts";

const hostUrl = new URL("http://lever.example:8080");

function systemError(code: string, syscall?: string): Error {
  return Object.assign(new Error("failed"), { code, ...(syscall !== undefined && { syscall }) });
}

it.each([
  [systemError("ECONNREFUSED", "connect"), "nothing answers there (ECONNREFUSED)."],
  [systemError("ENOTFOUND", "getaddrinfo"), "no host has that name (ENOTFOUND)."],
  [systemError("SELF_SIGNED_CERT_IN_CHAIN"), "its certificate is not trusted (SELF_SIGNED"],
  [systemError("ECONNRESET", "read"), "the connection broke in the middle of the upload (ECONN"],
  ["gone", "the connection broke in the middle of the upload (gone)."],
])("the failure %s is explained", (cause, text) => {
  const error = uploadFailed(cause, hostUrl);
  expect(error.code).toBe("unreachable");
  expect(error.message).toContain(`Cannot deploy to lever.example:8080: ${text}`);
});

it("a name with several addresses is explained by the failure of the first one", () => {
  const cause = new AggregateError([systemError("EHOSTUNREACH", "connect")]);
  expect(uploadFailed(cause, hostUrl).message).toContain("nothing answers there (EHOSTUNREACH).");
});
