import { expect, it } from "vitest";
import { formatWelcome, type Welcome } from "./welcome.ts";

const host: Welcome = {
  bind: "127.0.0.1",
  port: 8080,
  isolation: "oci",
  isolationReason: undefined,
  sharedUserReason: undefined,
  access: undefined,
  dataDir: "/home/ada/.lever",
  lever: "lever",
  scheme: "http",
  workers: 1,
};

it("a host at the default address is described in a few lines", () => {
  expect(formatWelcome(host)).toBe(
    `Instances run in containers.
Data is stored in /home/ada/.lever. Press Ctrl-C to stop.

In another terminal:
  lever deploy <dir>    deploy the service in a folder that has a lever.json
  lever ls              list what is deployed
`,
  );
});

it("a host at another address shows how other commands find it", () => {
  expect(formatWelcome({ ...host, port: 9000 })).toContain(
    "\n  export LEVEROS_IP_PORT=127.0.0.1:9000\n",
  );
  expect(formatWelcome({ ...host, bind: "::1", port: 443, scheme: "https" })).toContain(
    "\n  export LEVEROS_IP_PORT=https://[::1]:443\n",
  );
});

it("weaker isolation is named with its reason", () => {
  const text = formatWelcome({
    ...host,
    isolation: "process",
    isolationReason: "runc is missing.",
    sharedUserReason: "Lever does not run as root",
    workers: 4,
  });
  expect(text).toContain(
    "does not protect against hostile code. Containers are not available: runc is missing. See: lever doctor\n",
  );
  expect(text).toContain(
    "All services run as the same user as Lever: Lever does not run as root.\n",
  );
  expect(text).toContain("4 processes accept connections.\n");
});

it("a host without tokens is described with who may do what, in one line", () => {
  expect(formatWelcome({ ...host, access: "No token exists: you may." })).toContain(
    "\nNo token exists: you may.\nData is stored in",
  );
});
