// @module-tag needs-network-namespaces
// @module-tag needs-openssl
// @module-tag needs-curl
import { execFileSync } from "node:child_process";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { CertificateAuthority } from "../harness/certificates.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { OtherMachine } from "../harness/other-machine.ts";
import { type LeverRun, runLever } from "../harness/run-lever.ts";

let other: OtherMachine;
let authority: CertificateAuthority;
/** The environment of a command that trusts the authority. */
let trust: Readonly<Record<string, string>>;

beforeAll(() => {
  authority = new CertificateAuthority();
  trust = { NODE_EXTRA_CA_CERTS: authority.certFile, XDG_CONFIG_HOME: authority.folder };
  other = new OtherMachine();
});

afterAll(() => {
  other[Symbol.dispose]();
  authority[Symbol.dispose]();
});

const json = ["-H", "content-type: application/json", "-d", '["evil.lever"]'];
const webSocket = [
  ...["--http1.1", "-H", "connection: upgrade", "-H", "upgrade: websocket"],
  ...["-H", "sec-websocket-version: 13", "-H", "sec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA=="],
];
const admin = (method: string): string => `/admin/${method}?forceenv=admin.lever`;

/** Requests of another machine: what they attempt, a path, and arguments of curl. */
const attempts: readonly [name: string, path: string, args: readonly string[]][] = [
  ["to create an environment", admin("createEnvironment"), json],
  ["to make the first token", admin("createToken"), json],
  ["to name loopback as the host", admin("listEnvironments"), ["-H", "host: 127.0.0.1", ...json]],
  [
    "to name the environment as the host",
    "/admin/listEnvironments",
    ["-H", "host: admin.lever", ...json],
  ],
  [
    "to say that it comes from loopback",
    admin("listTokens"),
    ["-H", "x-forwarded-for: 127.0.0.1", ...json],
  ],
  [
    "to deploy",
    admin("deployServiceChan"),
    ["-H", "content-type: application/octet-stream", "-d", "[]"],
  ],
  ["to watch events over a WebSocket", admin("watchEventsChan"), webSocket],
  ["to invoke", "/hello/greet?forceenv=dev.lever", json],
  ["to stream over a WebSocket", "/hello/greetChan?forceenv=dev.lever", webSocket],
];

describe.each([["without TLS"], ["over TLS"]])(
  "a host that other machines reach %s",
  (transport) => {
    const isSecure = transport === "over TLS";
    let lever: RunningLever;

    beforeAll(async () => {
      const args = ["--bind", other.hostAddress];
      if (isSecure) {
        const pair = authority.issue("bound", [`IP:${other.hostAddress}`]);
        args.push("--tls-cert", pair.certFile, "--tls-key", pair.keyFile);
      } else args.push("--allow-insecure-bind");
      lever = await startLever({ args });
      expect(lever.origin).toContain(`${isSecure ? "https" : "http"}://${other.hostAddress}:`);
    });

    afterAll(() => lever.stop());

    /** Status line and headers of the answer that the other machine gets. */
    const ask = (path: string, args: readonly string[], input = Buffer.alloc(0)): string => {
      const [command = "", ...rest] = [...other.prefix, "curl", "-s", "-i", "--max-time", "20"];
      const ca = isSecure ? ["--cacert", authority.certFile] : [];
      const all = [...rest, ...ca, ...args, `${lever.origin}${path}`];
      return execFileSync(command, all, { input }).toString("latin1");
    };

    it.each(attempts)(`${transport} another machine needs a token %s`, (_name, path, args) => {
      expect(ask(path, args)).toMatch(/^HTTP\/[\d.]+ 401/);
    });

    it(`${transport} another machine needs a token to call over gRPC`, () => {
      const grpc = ["-X", "POST", "-H", "content-type: application/grpc", "-H", "te: trailers"];
      const url = "lever-url: lever://admin.lever/admin/listEnvironments";
      const version = isSecure ? "--http2" : "--http2-prior-knowledge";
      const args = [version, ...grpc, "-H", url, "--data-binary", "@-"];
      // The message is empty. 16 is UNAUTHENTICATED.
      expect(ask("/core.LeverRPC/HandleRPC", args, Buffer.alloc(5))).toMatch(/grpc-status: 16/);
    });

    describe("the first token", () => {
      const createFirst = (prefix: readonly string[] = []): Promise<LeverRun> =>
        runLever(["-H", hostOption(), "token", "create", "--in", "*", "--rights", "admin"], {
          env: trust,
          prefix,
        });
      const hostOption = (): string => (isSecure ? lever.origin : lever.address);
      const list = (env: Readonly<Record<string, string>>, prefix: readonly string[] = []) =>
        runLever(["-H", hostOption(), "env", "ls"], { env, prefix });

      it(`${transport} the log says how to make the first token`, async () => {
        const { firstToken } = await lever.event("no token configured");
        expect(firstToken).toBe(`lever -H ${hostOption()} token create --in '*' --rights admin`);
      });

      it(`${transport} another machine cannot create the first token`, async () => {
        const there = await createFirst(other.prefix);
        expect(there).toMatchObject({ status: 3, stdout: "" });
        expect(there.stderr).toContain("without a token");
      });

      it(`${transport} the host's own machine needs no token at the public address`, async () => {
        const folder = join(authority.folder, transport.replaceAll(" ", "-"));
        mkdirSync(folder);
        writeFileSync(join(folder, "lever.json"), '{"name": "hello", "jsEntry": "server.js"}');
        writeFileSync(join(folder, "server.js"), "exports.greetChan = (stream) => stream.end(1);");
        expect((await lever.lever(["deploy", folder], { env: trust })).status).toBe(0);
        const streamed = await lever.lever(["stream", "/hello/greetChan"], { env: trust });
        expect(streamed.stdout).toBe("1\n");
      });

      describe("after it was created on the host's own machine", () => {
        let env: Readonly<Record<string, string>>;

        beforeAll(async () => {
          const here = await createFirst();
          expect(here.status).toBe(0);
          env = { ...trust, LEVEROS_TOKEN: here.stdout.trim() };
        });

        it(`${transport} another machine with the token is let in`, async () => {
          expect((await list(env, other.prefix)).stdout).toContain("dev.lever");
        });

        it(`${transport} another machine without the token is refused`, async () => {
          expect((await list(trust, other.prefix)).status).toBe(3);
        });

        it(`${transport} the host's own machine without the token is refused`, async () => {
          expect((await list(trust)).status).toBe(3);
        });
      });
    });
  },
);
