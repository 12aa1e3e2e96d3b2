import type { AdminCall, HostTarget } from "../host-subject.ts";
import { openHostSubject } from "../host-subject.ts";
import type { FuzzTarget } from "../target.ts";
import { encodeHttp, httpInput } from "./http-text.ts";

/** Access to a host with two tokens: one allows everything, the other one allows calls. */
export const tokens: FuzzTarget = {
  name: "tokens",
  open: () => openHostSubject(describe),
};

/** Tokens are new with each run. Inputs hold these in their place, of the same length, and are the same in each run. */
const MASTER = `lever_${"M".repeat(43)}`;
const INVOKER = `lever_${"I".repeat(43)}`;

interface Created {
  readonly id: string;
  readonly token: string;
}

async function describe(admin: AdminCall): Promise<HostTarget> {
  const master = (await admin("createToken", {
    environments: ["*"],
    rights: ["admin"],
  })) as Created;
  const headers = { authorization: `Bearer ${master.token}` };
  return {
    headers,
    corpus: { inputs: inputs(), words: WORDS, encode: encodeHttp },
    isAnswered: (answer) => answer.length > 0,
    async prepare(withToken) {
      const invoker = (await withToken("createToken", {
        environments: ["dev.lever"],
        rights: ["invoke"],
      })) as Created;
      const kept = new Set([master.id, invoker.id]);
      return {
        finish: (bytes) =>
          Buffer.from(
            bytes
              .toString("latin1")
              .replaceAll(MASTER, master.token)
              .replaceAll(INVOKER, invoker.token),
            "latin1",
          ),
        judge(bytes, { answer }) {
          const [asked, heard] = [bytes.toString("latin1"), answer.toString("latin1")];
          if (asked.includes(master.token)) return;
          const isIn = /^HTTP\/1\.1 (200|101|500) /m.test(heard) && !refusesOnSocket(heard);
          if (isIn && !asked.includes(invoker.token)) throw new Error(`it got in: ${heard}`);
          if (/"token":"|"liveVersion"/.test(heard)) throw new Error(`it may too much: ${heard}`);
        },
        /** Removes what inputs have created, so that it does not grow. */
        async check(call) {
          const listed = (await call("listTokens")) as readonly Created[];
          for (const { id } of listed) if (!kept.has(id)) await call("revokeToken", id);
        },
      };
    },
  };
}

/** True when a WebSocket was opened only to refuse the call. */
function refusesOnSocket(heard: string): boolean {
  // The first thing on it, behind the frame's own bytes.
  const [, title = ""] =
    /^HTTP\/1\.1 101 .*?\r\n\r\n.{0,4}!\{"problem":\{"title":"([\w ]+)"/s.exec(heard) ?? [];
  return REFUSALS.includes(title);
}

const REFUSALS = ["unauthorized", "wrong method kind", "malformed request"];

function inputs(): Buffer[][] {
  const json = "content-type: application/json";
  const echo = "POST /fuzz/echo?forceenv=dev.lever HTTP/1.1";
  const admin = (method: string): string => `POST /admin/${method}?forceenv=admin.lever HTTP/1.1`;
  const bearer = (token: string): string => `authorization: Bearer ${token}`;
  const upgrade = (token: string): Buffer[] =>
    [
      "GET /fuzz/countChan?timeout=2s&forceenv=dev.lever HTTP/1.1",
      "host: dev.lever",
      "connection: upgrade",
      "upgrade: websocket",
      "sec-websocket-version: 13",
      "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==",
      `sec-websocket-protocol: lever, bearer.${token}`,
      "",
    ].map((line) => Buffer.from(`${line}\r\n`));
  // `[1]`, masked with zeros.
  const args = Buffer.from([0x81, 0x83, 0, 0, 0, 0, 0x5b, 0x31, 0x5d]);
  const wanted = [
    { environments: ["*"], rights: ["invoke"] },
    {
      environments: ["dev.lever", "a.b"],
      rights: ["deploy", "invoke"],
      expiresInMs: 1_000,
      note: "n",
    },
  ];
  return [
    httpInput(echo, ["host: x", json, bearer(INVOKER)], '["a"]'),
    httpInput(echo, ["host: x", json, bearer(MASTER)], '["a"]'),
    httpInput(echo, ["host: x", json], '["a"]'),
    httpInput(echo, ["host: x", json, "authorization: Basic YTpi"], "[]"),
    httpInput(echo, ["host: x", json, bearer(INVOKER), "x-forwarded-for: 1.2.3.4"], "[]"),
    httpInput(admin("listServices"), ["host: x", json, bearer(INVOKER)], '["dev.lever"]'),
    httpInput(admin("listServices"), ["host: x", json, bearer(MASTER)], '["dev.lever"]'),
    httpInput(admin("listTokens"), ["host: x", json], "[]"),
    ...wanted.map((of) =>
      httpInput(admin("createToken"), ["host: x", json, bearer(MASTER)], JSON.stringify([of])),
    ),
    httpInput(admin("createToken"), ["host: x", json, bearer(INVOKER)], JSON.stringify(wanted)),
    httpInput(admin("revokeToken"), ["host: x", json, bearer(MASTER)], '["00000000"]'),
    [...upgrade(INVOKER), args],
    [...upgrade(MASTER), args],
    [...upgrade("lever_none"), args],
  ];
}

const WORDS = [
  MASTER.slice(0, -1),
  INVOKER.slice(1),
  MASTER.toLowerCase(),
  "lever_",
  "Bearer ",
  "bearer\t",
  "bearer.",
  "Basic ",
  "authorization: \r\n",
  "authorization: Bearer\r\n",
  "authorization: Bearer lever_none\r\n",
  "sec-websocket-protocol: bearer.lever_none\r\n",
  "x-forwarded-for: 127.0.0.1\r\n",
  "forwarded: for=127.0.0.1\r\n",
  "x-lever-src-env: admin.lever\r\n",
  "origin: null\r\n",
  "host: admin.lever\r\n",
  "forceenv=admin.lever",
  "forceenv=dev.lever",
  "\r\n",
  "\0",
  "\xff",
  "[",
  "]",
  "{",
  "}",
  ",",
  '"*"',
  '""',
  '"environments":',
  '"rights":',
  '"expiresInMs":',
  '"note":',
  '"__proto__":',
  '"invoke"',
  '"admin"',
  '"toString"',
  "null",
  "-1",
  "1e999",
  "1e12",
  "[[]]",
  "true",
];
