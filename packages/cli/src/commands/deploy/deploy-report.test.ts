import type { DeployReport } from "@leveros/protocol";
import { expect, it } from "vitest";
import { formatDeployReport } from "./deploy-report.ts";

const report: DeployReport = {
  environment: "dev.lever",
  service: "hello",
  version: 2,
  methods: ["chatChan", "sayHello"],
  warnings: [],
  archiveBytes: 1_234,
  unpackedBytes: 56_789,
  entries: 1,
  times: { uploadMs: 1, unpackMs: 2, startMs: 3_300, totalMs: 3_303 },
};

const lever = "lever ";
const host = new URL("http://127.0.0.1:8080");
const example = { url: "/hello/sayHello", args: ['"name"', "1"] };

it("a report has version, URLs, sizes, times and the next commands", () => {
  expect(formatDeployReport(report, { lever, host, example })).toBe(
    `Deployed hello version 2 to dev.lever in 3.3 s.

  chatChan  lever://dev.lever/hello/chatChan  streaming
  sayHello  lever://dev.lever/hello/sayHello

Archive 1.2 kB, unpacked 57 kB in 1 entry.
Uploaded in 1 ms, unpacked in 2 ms, started in 3.3 s.

Next:
  lever invoke /hello/sayHello '"name"' 1
  lever ls hello`,
  );
});

it("the suggested commands repeat the given flags, and are words of a shell", () => {
  const service = "~hello";
  const odd = { url: "/~hello/it's", args: [] };
  const text = formatDeployReport(
    { ...report, service },
    { lever: "npx lever -E prod.lever ", host, example: odd },
  );
  expect(text).toContain("  npx lever -E prod.lever invoke '/~hello/it'\\''s'\n");
  expect(text).toContain("  npx lever -E prod.lever ls '~hello'");
});

it("no call is suggested without an example", () => {
  const text = formatDeployReport(report, { lever, host, example: undefined });
  expect(text).not.toContain("lever invoke");
  expect(text).toContain("lever ls hello");
});

it.each([
  [
    "dev.lever",
    "http://127.0.0.1:8080",
    "curl http://127.0.0.1:8080/hello/",
    "http://hello.dev.lever.localhost:8080/",
  ],
  [
    "prod.lever",
    "https://127.0.0.1",
    "curl 'https://127.0.0.1/hello/?forceenv=prod.lever'",
    "https://hello.prod.lever.localhost/",
  ],
  [
    "dev.lever",
    "https://a.example",
    "curl 'https://a.example/hello/?forceenv=dev.lever'",
    "hello.dev.lever.localhost",
  ],
])(
  "a request is suggested for a service with fetch in %s at %s",
  (environment, origin, command, address) => {
    const hostName = `hello.${environment}.localhost`;
    const site = { ...report, environment, methods: ["fetch"], hostName };
    const text = formatDeployReport(site, { lever, host: new URL(origin), example: undefined });
    expect(text).toContain(`  fetch  /hello/  HTTP requests\n  At its own host name: ${address}\n`);
    expect(text).toContain(`\n  ${command}\n`);
  },
);

it("a request is suggested for a service with files, which may have no methods", () => {
  const site = { ...report, methods: [] };
  const host = new URL("http://127.0.0.1:8080");
  const text = formatDeployReport(site, { lever, host, example: undefined, files: "public" });
  expect(text).toContain("  public  /hello/  files\n");
  expect(text).toContain("\n  curl http://127.0.0.1:8080/hello/\n");
});

it.each([
  ["hello", "another service is named hello, too"],
  ["hello.v2", "its name cannot be a part of one"],
])("a service %s without a host name of its own says why", (service, why) => {
  const site = { ...report, service, methods: ["fetch"] };
  const text = formatDeployReport(site, { lever, host, example: undefined });
  expect(text).toContain("It has no host name of its own: ");
  expect(text).toContain(why);
});
