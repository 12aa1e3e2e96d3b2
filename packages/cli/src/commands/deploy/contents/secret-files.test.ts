import { expect, it } from "vitest";
import { containsToken, judgeSecret } from "./secret-files.ts";

it.each([
  ".env",
  "config/.env.production",
  ".envrc",
  "certs/server.pem",
  "a.key",
  "a.P12",
  "a.pfx",
  "id_rsa",
  ".ssh/id_ed25519",
  ".netrc",
  ".pgpass",
  "service-account-prod.json",
  "credentials.json",
  "release.keystore",
])("the file %s looks like a secret", (path) => {
  expect(judgeSecret(path)).toBe("secret");
});

it.each([".env.example", ".env.sample", "env.js", "key.js", "id_rsa.pub", "monkey", "keys/a.js"])(
  "the file %s does not look like a secret",
  (path) => {
    expect(judgeSecret(path)).toBe("no secret");
  },
);

it.each([
  ["//packages.example.com/:_authToken=npm_abc", true],
  ["_auth = abc=", true],
  ['npmAuthToken: "abc"', true],
  ["//packages.example.com/:_authToken=\u0024{NPM_TOKEN}", false],
  ["save-exact=true", false],
])("whether the configuration %j contains a token is %s", (text, isSecret) => {
  expect(judgeSecret(".npmrc")).toBe("secret if it contains a token");
  expect(containsToken(text)).toBe(isSecret);
});
