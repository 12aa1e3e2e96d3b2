/** The files in deploy/ do what docs/guide/production.md says: each command line of them starts a host, and their probes succeed. */
import { execFile, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { defaultLimits } from "@leveros/protocol";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parse, parseAllDocuments } from "yaml";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";

const root = join(import.meta.dirname, "../..");
const read = (name: string): string => readFileSync(join(root, "deploy", name), "utf8");

/** The values of a key in a unit or a Containerfile. */
const valuesOf = (text: string, key: RegExp): string[] =>
  [...text.matchAll(new RegExp(`^(?:${key.source})[ =](.*)$`, "gm"))].map(
    ([, value = ""]) => value,
  );

interface Probe {
  readonly httpGet: { readonly path: string; readonly port: string };
}

interface Manifest {
  readonly kind: string;
  readonly spec: {
    readonly selector: { readonly matchLabels?: object };
    readonly replicas?: number;
    readonly ports?: readonly { readonly targetPort: string }[];
    readonly volumeClaimTemplates?: readonly { readonly metadata: { readonly name: string } }[];
    readonly template?: {
      readonly metadata: { readonly labels: object };
      readonly spec: {
        readonly terminationGracePeriodSeconds: number;
        readonly containers: readonly {
          readonly args: readonly string[];
          readonly ports: readonly { readonly name: string; readonly containerPort: number }[];
          readonly startupProbe: Probe;
          readonly livenessProbe: Probe;
          readonly readinessProbe: Probe;
          readonly volumeMounts: readonly { readonly name: string; readonly mountPath: string }[];
        }[];
      };
    };
  };
}

const unit = read("lever.service");
const containerfile = read("Containerfile");
const compose = parse(read("compose.yaml")) as {
  readonly services: {
    readonly lever: {
      readonly build: { readonly context: string; readonly dockerfile: string };
      readonly command: readonly string[];
      readonly ports: readonly string[];
      readonly volumes: readonly string[];
      readonly healthcheck: { readonly test: readonly string[] };
      readonly stop_grace_period: string;
    };
  };
  readonly volumes: object;
};
const manifests = parseAllDocuments(read("kubernetes.yaml")).map((one) => one.toJS() as Manifest);
const [pod] = manifests.flatMap(({ spec }) => spec.template ?? []);
const [container] = pod?.spec.containers ?? [];
const { lever: composed } = compose.services;

/** `lever up …` of the files, without the name of the program. */
const commandLines = {
  "lever.service": valuesOf(unit, /ExecStart/)
    .join("")
    .split(" ")
    .slice(1),
  "compose.yaml": composed.command,
};

describe.each(Object.entries(commandLines))("the command line in deploy/%s", (name, words) => {
  let dataDir: string;
  let lever: RunningLever;

  beforeAll(async () => {
    dataDir = mkdtempSync(join(tmpdir(), "lever-deployed-"));
    // The address stays on this machine.
    const args = words.join(" ").replace("0.0.0.0", "127.0.0.1").replace("/var/lib/lever", dataDir);
    lever = await startLever({ dataDir, args: args.split(" ").slice(1) });
  });

  afterAll(async () => {
    await lever?.stop();
    rmSync(dataDir, { recursive: true });
  });

  it("starts a host in /var/lib/lever that is healthy and ready", async () => {
    expect(words.join(" ")).toMatch(/^up --data[ =]\/var\/lib\/lever/);
    expect(await lever.event("host started")).toMatchObject({ dataDir });
    for (const path of ["/-/healthy", "/-/ready"]) {
      expect((await httpCall(lever.address, path, { method: "GET" })).status).toBe(200);
    }
  });

  if (name !== "compose.yaml") return;
  it("has a health check that succeeds, and fails", async () => {
    const [kind, program = "", ...args] = composed.healthcheck.test;
    expect([kind, program]).toEqual(["CMD", "node"]);
    const check = (address: string): Promise<unknown> =>
      promisify(execFile)(
        process.execPath,
        args.map((arg) => arg.replace("127.0.0.1:8080", address)),
      );
    await check(lever.address);
    await expect(check("127.0.0.1:1")).rejects.toMatchObject({ code: 1 });
  });
});

it("the image and Kubernetes start Lever as Compose does", () => {
  const ofImage = JSON.parse(valuesOf(containerfile, /CMD/).join("")) as string[];
  const options = composed.command.filter((word) => !word.startsWith("--limit"));
  expect(ofImage.join(" ").replaceAll(/(--data|--bind) /g, "$1=")).toBe(options.join(" "));
  expect(container?.args).toEqual(composed.command);
});

it("systemd finds no fault in the unit", { tags: ["needs-systemd"] }, () => {
  const dir = mkdtempSync(join(tmpdir(), "lever-unit-"));
  try {
    const file = join(dir, "lever.service");
    // It also checks that the program exists.
    writeFileSync(file, unit.replace("=/usr/local/bin/lever ", `=${process.execPath} `));
    const { status, stderr } = spawnSync("systemd-analyze", ["verify", file], { encoding: "utf8" });
    expect([status, stderr]).toEqual([0, ""]);
  } finally {
    rmSync(dir, { recursive: true });
  }
});

it("each file leaves more time to stop than instances have", () => {
  const drainSeconds = defaultLimits.drainTimeoutMs / 1_000;
  for (const seconds of [
    Number(valuesOf(unit, /TimeoutStopSec/).join("")),
    Number.parseInt(composed.stop_grace_period, 10),
    pod?.spec.terminationGracePeriodSeconds ?? 0,
  ]) {
    expect(seconds).toBeGreaterThan(drainSeconds + 5);
  }
});

it("the image is made of files that exist, and its entry point is the command", () => {
  const sources = valuesOf(containerfile, /COPY --from=build/).map((line) => line.split(" ")[0]);
  expect(sources).toHaveLength(3);
  for (const source of sources) {
    expect(existsSync(join(root, source?.replace("/opt/lever/", "") ?? ""))).toBe(true);
  }
  expect(containerfile).toContain("/opt/lever/packages/cli/bin/lever.js /usr/local/bin/lever");
  expect(existsSync(join(root, "packages/cli/bin/lever.js"))).toBe(true);
  expect(valuesOf(containerfile, /ENTRYPOINT/).join("")).toContain('"/usr/local/bin/lever"]');
  expect(existsSync(join(root, "deploy", composed.build.context, composed.build.dockerfile))).toBe(
    true,
  );
});

it("Compose keeps the data in a volume, and opens the port on this machine alone", () => {
  expect(composed.volumes).toEqual(["data:/var/lib/lever"]);
  expect(Object.keys(compose.volumes)).toEqual(["data"]);
  expect(composed.ports).toEqual(["127.0.0.1:8080:8080"]);
});

it("the manifests of Kubernetes name each other's parts", () => {
  expect(manifests.map(({ kind }) => kind)).toEqual(["Service", "StatefulSet"]);
  const [service, set] = manifests;
  expect(set?.spec.replicas).toBe(1);
  expect(set?.spec.selector.matchLabels).toEqual(pod?.metadata.labels);
  expect(service?.spec.selector).toEqual(pod?.metadata.labels);
  expect(service?.spec.ports?.[0]?.targetPort).toBe("http");
  expect(container?.ports).toEqual([{ name: "http", containerPort: 8_080 }]);
  expect(set?.spec.volumeClaimTemplates?.map(({ metadata }) => metadata.name)).toEqual(
    container?.volumeMounts.map(({ name }) => name),
  );
  expect(container?.volumeMounts[0]?.mountPath).toBe("/var/lib/lever");
  expect(container?.startupProbe.httpGet).toEqual({ path: "/-/healthy", port: "http" });
  expect(container?.livenessProbe.httpGet).toEqual({ path: "/-/healthy", port: "http" });
  expect(container?.readinessProbe.httpGet).toEqual({ path: "/-/ready", port: "http" });
});
