/** Conventions of every command: where results and notes go, --json, and the exit statuses. Each test waits for processes. */
import type { IncomingHttpHeaders, ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  answerJson,
  answerProblem,
  type FakeHost,
  startFakeHost,
} from "../../../../tests/harness/fake-host.ts";
import { type LeverRun, runLever } from "../../../../tests/harness/run-lever.ts";

const at = "2026-03-01T10:00:00.000Z";
const scaling = {
  at,
  callsInFlight: 0,
  callsWaiting: 0,
  needed: 0,
  wanted: 0,
  reason: "idle",
  running: 0,
  unresponsive: 0,
  draining: 0,
  blockedBy: null,
};

/** An answer of each admin method; a list has one element. */
const answers: Readonly<Record<string, unknown>> = {
  listServices: [
    {
      environment: "dev.lever",
      service: "svc",
      description: "",
      private: false,
      liveVersion: 1,
      methods: ["work"],
      versions: [{ version: 1, deployedAt: at, archiveBytes: 1, unpackedBytes: 2 }],
      instances: [],
    },
  ],
  listInstances: {
    instances: [],
    host: {
      memoryBytes: 1,
      ramReserved: 0,
      ramMax: 1,
      warmReady: 0,
      warmWanted: 0,
      starts: { count: 0, warm: 0, medianMs: 0 },
    },
  },
  explainService: {
    service: "svc",
    version: 1,
    maxInstanceLoad: 1,
    minInstances: 0,
    maxInstances: 1,
    scaleDownAfterMs: 1,
    idleTimeoutMs: 1,
    now: scaling,
    records: [scaling],
    lastError: null,
  },
  listEvents: [{ at, level: "info", part: "host", event: "host started" }],
  explainInstance: [{ at, level: "info", part: "fleet", event: "instance ready" }],
  rollBackService: { service: "svc", environment: "dev.lever", version: 1, previousVersion: 2 },
  listVariables: [
    { service: "", name: "A", value: "a", secret: false, setAt: at },
    { service: "", name: "B", value: null, secret: true, setAt: at },
  ],
  removeService: { environment: "dev.lever", service: "svc", versions: [1], keptData: false },
  removeVersion: { environment: "dev.lever", service: "svc", versions: [1], keptData: true },
  restartService: { service: "svc", version: 1, replaced: 1, isStarted: true },
  stopInstance: { service: "svc", version: 1, instance: "svc-1-a" },
  setVariables: { isDeployed: true, restarted: [], failed: [] },
  unsetVariable: { isDeployed: true, restarted: [], failed: [] },
  listEnvironments: [
    {
      environment: "dev.lever",
      services: 1,
      corsOrigins: [],
      public: false,
      network: "internet",
    },
  ],
  listRoutes: [{ host: "a.example", path: "/b", service: "svc" }],
  createToken: {
    id: "1",
    token: "lever_x",
    environments: ["*"],
    rights: ["admin"],
    createdAt: at,
    note: "",
  },
  listTokens: [{ id: "1", environments: ["*"], rights: ["admin"], createdAt: at, note: "" }],
  getStatus: {
    workers: { wanted: 1, running: 1 },
    bind: "::",
    memory: { hostBytes: 1, ramReserved: 1, ramMax: 1 },
    disk: { dataDir: "/", freeBytes: 1, totalBytes: 1 },
    database: { bytes: 1, copiedAt: null },
    warnings: [],
  },
  whoAmI: {
    token: { id: "1", environments: ["*"], rights: ["admin"], createdAt: at, note: "" },
  },
  listAudit: [
    { at, principal: "local", method: "m", environment: "*", target: "", outcome: "done" },
  ],
  listLimits: [{ name: "l", value: 1, default: 1, setBy: "default", about: "L." }],
};

const methodOf = (url: string): string => url.split("/").at(-1) ?? "";

/** Environments for which the host answers with empty lists, or with an error. */
function answer(response: ServerResponse, url: string, headers: IncomingHttpHeaders): void {
  const found = answers[methodOf(url)] ?? null;
  switch (headers.authorization) {
    case "Bearer empty":
      answerJson(response, Array.isArray(found) ? [] : found);
      break;
    case "Bearer refused":
      answerProblem(response, 403, { code: "forbidden", detail: "Cannot do this: no right." });
      break;
    default:
      answerJson(response, found);
  }
}

let host: FakeHost;

beforeAll(async () => {
  host = await startFakeHost((response, { url, headers }) => answer(response, url, headers));
});

afterAll(() => host[Symbol.asyncDispose]());

function run(commandLine: string, token = "full", input = ""): Promise<LeverRun> {
  return runLever(commandLine.split(" "), {
    env: { LEVEROS_IP_PORT: host.address, LEVEROS_TOKEN: token },
    input,
  });
}

const lists = [
  "ls",
  "events",
  "env ls",
  "route ls",
  "var ls",
  "secret ls",
  "token ls",
  "audit",
  "limits",
];
const reports = [
  "ps",
  "explain svc",
  "why svc-1-a",
  "rollback svc 1",
  "token create --rights admin",
  "whoami",
  "status",
];
const changes = [
  "env create a.lever",
  "env open a.lever",
  "env close a.lever",
  "env network a.lever none",
  "env rm a.lever --yes",
  "rm svc --yes",
  "rm svc --version 1 --yes",
  "restart svc",
  "stop-instance svc-1-a",
  "route add a.example svc",
  "route add *.a.example",
  "route rm a.example",
  "var set A=a",
  "var unset A",
  "secret set A",
  "secret unset A",
  "token revoke 1",
];

describe.concurrent.each([...lists, ...reports])("lever %s", (commandLine) => {
  it("prints its result on standard output, as text and as JSON", async () => {
    const text = await run(commandLine);
    expect(text).toMatchObject({ status: 0, stderr: "" });
    expect(text.stdout).toMatch(/\S\n$/);
    const json = await run(`${commandLine} --json`);
    expect(json).toMatchObject({ status: 0, stderr: "" });
    expect(JSON.parse(json.stdout)).toBeTypeOf("object");
  });
});

describe.concurrent.each(lists.filter((name) => name !== "env ls" && name !== "limits"))(
  "lever %s without any entry",
  (commandLine) => {
    it("prints a note on standard error, and as JSON an empty list", async () => {
      const text = await run(commandLine, "empty");
      expect(text).toMatchObject({ status: 0, stdout: "" });
      expect(text.stderr).toMatch(/^There are no .*\n/);
      const json = await run(`${commandLine} --json`, "empty");
      expect(json).toMatchObject({ status: 0, stderr: "" });
      expect(json.stdout).toBe(commandLine === "events" ? "" : "[]\n");
    });
  },
);

describe.concurrent.each(changes)("lever %s", (commandLine) => {
  it("prints a sentence about the change on standard output", async () => {
    const { status, stdout, stderr } = await run(commandLine, "full", "secret");
    expect([status, stderr]).toEqual([0, ""]);
    expect(stdout).toMatch(/^[A-Z].*\.\n$/);
  });
});

it.concurrent.each([
  "ls",
  "events",
  "ps",
  "token create --rights admin",
  "var set A=a",
  "env rm a.lever",
])("lever %s prints an error of Lever on standard error: status 3", async (commandLine) => {
  expect(await run(commandLine, "refused")).toMatchObject({
    status: 3,
    stdout: "",
    stderr: "lever: Cannot do this: no right. (forbidden)\n",
  });
});
