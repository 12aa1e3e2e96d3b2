import { type ArchiveEntry, archiveOf } from "../../../harness/archive.ts";
import { callMethod, httpCall } from "../../../harness/http-call.ts";
import { type Attempt, codeOf, type World } from "../attempt.ts";
import { deploying } from "../deploying.ts";

const both = (answer: string): Attempt["answers"] => ({ oci: answer, process: answer });

/** Each different answer once. */
const distinct = async (answers: readonly Promise<string>[]): Promise<string> =>
  [...new Set(await Promise.all(answers))].join(" ");

/** Asks the neighbour in another environment, which is private, over HTTP. */
async function askPrivate(
  { lever }: World,
  headers: Readonly<Record<string, string>>,
): Promise<string> {
  const path = "/vault/secret?forceenv=other.lever";
  const all = { "content-type": "application/json", ...headers };
  const answer = await httpCall(lever.address, path, { headers: all, body: "[]" });
  return answer.status === 200 ? "let in" : codeOf(answer.json());
}

const ENVIRONMENTS = [
  "../dev.lever",
  "a/b",
  "..",
  ".",
  "-x",
  "x.",
  "x..",
  "x/../y",
  "a b",
  "a%2fb",
];
const SERVICES = ["..", ".", "...", "../x", "a/b", "/etc", "a b", "x%2fy", "x\\y", "x\0y", "ab"];
const MODULES = ["../x.js", "/etc/x.js", "a/../../x.js", "a\\..\\x.js"];
const MODULE: ArchiveEntry = { path: "x.js", body: "exports.x = () => 1;" };
const described = (leverJson: object): ArchiveEntry => ({
  path: "lever.json",
  body: JSON.stringify(leverJson),
});

const PATHS = [
  "/../admin/listServices",
  "/..%2fadmin/listServices",
  "/%2e%2e/listServices",
  "/neighbour/../../admin/listServices",
  "//admin/listServices",
  "/__proto__/constructor",
];

/** Attempts with false identities, and with names that are paths. */
export const names: readonly Attempt[] = [
  {
    name: "claims in headers to be a service of another environment, from outside",
    gain: "answers that are only for that environment's own services",
    answers: both("private_service"),
    from: (world) =>
      distinct(
        [
          { "x-lever-src-env": "other.lever" },
          { "x-lever-src-environment": "other.lever", "x-lever-src-service": "neighbour" },
          { "lever-src-env": "other.lever", "lever-caller": "other.lever" },
          { host: "other.lever", origin: "http://other.lever" },
          { "x-lever-internal-rpc-gateway": "127.0.0.1:1", "x-lever-resource-epoch": "1" },
        ].map((headers) => askPrivate(world, headers)),
      ),
  },
  {
    name: "claims in headers that a proxy forwards its call for another environment",
    gain: "the rights of a caller on this machine",
    answers: both("unauthorized"),
    from: (world) =>
      distinct(
        [
          { "x-forwarded-host": "other.lever", "x-forwarded-for": "127.0.0.1" },
          { forwarded: "for=127.0.0.1;host=other.lever" },
        ].map((headers) => askPrivate(world, headers)),
      ),
  },
  {
    name: "creates environments with names that are paths",
    gain: "files of other environments",
    answers: both("malformed_request"),
    from: ({ lever }) =>
      distinct(
        ENVIRONMENTS.map(async (name) => {
          const path = "/admin/createEnvironment?forceenv=admin.lever";
          const headers = { "content-type": "application/json" };
          const body = JSON.stringify([name]);
          const answer = await httpCall(lever.address, path, { headers, body });
          return answer.status === 200 ? `created ${name}` : codeOf(answer.json());
        }),
      ),
  },
  {
    name: "deploys services with names that are paths",
    gain: "files of other services",
    answers: both("not accepted"),
    from: ({ lever }) =>
      deploying(
        lever.address,
        SERVICES.map((name) => archiveOf([described({ name, jsEntry: "x.js" }), MODULE])),
      ),
  },
  {
    name: "starts from a module outside its folder",
    gain: "the machine's files as its code",
    answers: both("not accepted"),
    from: ({ lever }) =>
      deploying(
        lever.address,
        MODULES.map((jsEntry) => archiveOf([described({ name: "outsider", jsEntry }), MODULE])),
      ),
  },
  {
    name: "calls with paths that lead elsewhere",
    gain: "another service, in particular the admin service",
    answers: both("unknown_service malformed_request"),
    from: ({ lever }) =>
      distinct(
        PATHS.map(async (path) => {
          const answer = await callMethod(lever.address, path, ["dev.lever"]);
          return codeOf(answer.json());
        }),
      ),
  },
];
