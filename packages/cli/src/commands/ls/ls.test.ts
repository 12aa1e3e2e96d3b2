import type { ServiceListing } from "@leveros/protocol";
import { expect, it } from "vitest";
import {
  answerJson,
  answerMethodError,
  type FakeHost,
  startFakeHost,
} from "../../../../../tests/harness/fake-host.ts";
import { type LeverRun, runLever } from "../../../../../tests/harness/run-lever.ts";

function listing(service: string): ServiceListing {
  const deployedAt = new Date().toISOString();
  return {
    environment: "dev.lever",
    service,
    description: "",
    private: false,
    liveVersion: 1,
    methods: ["work"],
    versions: [{ version: 1, deployedAt, archiveBytes: 1, unpackedBytes: 2 }],
    instances: [],
  };
}

function hostWith(services: readonly string[]): Promise<FakeHost> {
  return startFakeHost((response) => answerJson(response, services.map(listing)));
}

function ls(host: FakeHost, args: readonly string[] = []): Promise<LeverRun> {
  return runLever(["ls", ...args], { env: { LEVEROS_IP_PORT: host.address } });
}

it("lever ls calls the admin service with the environment", async () => {
  await using host = await hostWith(["hello"]);
  const run = await ls(host, ["-E", "prod.lever"]);
  expect(run).toMatchObject({ status: 0, stderr: "" });
  expect(run.stdout).toMatch(/^SERVICE .*\nhello .* work\n$/);
  expect(host.requests[0]).toMatchObject({ method: "POST", url: "/admin/listServices" });
  expect(host.requests[0]?.headers.host).toBe("admin.lever");
  expect(host.requests[0]?.body.toString()).toBe('["prod.lever",{"report":true}]');
});

it("lever ls <service> shows the details of the service", async () => {
  await using host = await hostWith(["hello", "world"]);
  const run = await ls(host, ["world"]);
  expect(run.stdout).toMatch(/^world in dev\.lever\n\nMETHOD\nlever:\/\/dev\.lever\/world\/work\n/);
});

it("--json prints the list, also for one service", async () => {
  await using host = await hostWith(["hello", "world"]);
  expect(JSON.parse((await ls(host, ["--json"])).stdout)).toHaveLength(2);
  expect(JSON.parse((await ls(host, ["world", "--json"])).stdout)).toMatchObject([
    { service: "world" },
  ]);
});

it("an empty list is a note on standard error that suggests lever deploy", async () => {
  await using host = await hostWith([]);
  const run = await ls(host, ["-E", "prod.lever"]);
  expect(run).toMatchObject({ status: 0, stdout: "" });
  expect(run.stderr).toContain("There are no services in prod.lever yet");
  expect(run.stderr).toContain("lever -E prod.lever deploy <dir>");
  expect((await ls(host, ["--json"])).stdout).toBe("[]\n");
});

it("the error for an unknown service lists the deployed ones: status 3", async () => {
  await using host = await hostWith(["hello", "world"]);
  expect(await ls(host, ["word"])).toMatchObject({
    status: 3,
    stdout: "",
    stderr:
      "lever: Cannot show the service word: it is not deployed in dev.lever. Deployed are: hello, world.\n",
  });
});

it("a failure of the admin service is an error of Lever: status 3", async () => {
  await using host = await startFakeHost((response) =>
    answerMethodError(response, "No such thing."),
  );
  const run = await ls(host);
  expect(run).toMatchObject({ status: 3, stdout: "" });
  expect(run.stderr).toContain("lever: No such thing.");
});

it("an answer that is not a list of services is an error: status 3", async () => {
  await using host = await startFakeHost((response) => answerJson(response, { services: [] }));
  const run = await ls(host);
  expect(run).toMatchObject({ status: 3, stdout: "" });
  expect(run.stderr).toContain("is not from a Lever host");
});
