import { faultsIn, type PlantedFault } from "../planted-fault.ts";

const DEPLOYER = "host/src/deployer/deployer.test.ts";
const CODE_STORE = "host/src/deployer/code-store.test.ts";
const SLOTS = "host/src/deployer/deploy-slots.test.ts";
const PATHS = "host/src/deployer/archive-paths.test.ts";
const FILES = "host/src/deployer/transformed-files.test.ts";

export const deployerFaults: readonly PlantedFault[] = [
  ...faultsIn("host/src/deployer/deployer.ts", [
    ["A deploy that fails leaves its code.", "await code.discard(codeId);", "{}", DEPLOYER],
    [
      "A deploy that fails after its transaction removes the code of the live version.",
      "codeId !== undefined && !(await store.codeIds()).has(codeId)",
      "codeId !== undefined",
      DEPLOYER,
    ],
    [
      "The code of versions that are no longer kept stays.",
      "code.remove(codeId).catch(",
      "Promise.resolve(codeId).catch(",
      DEPLOYER,
    ],
    [
      "A service that does not restart hides the failure.",
      "failed.push({ service: name, reason: reasonOf(error) });",
      "",
      DEPLOYER,
    ],
  ]),
  ...faultsIn("host/src/deployer/candidates.ts", [
    [
      "The candidate of a deploy that fails lives on.",
      "candidate.kill();\n      throw error;",
      "throw error;",
      DEPLOYER,
    ],
    [
      "A version goes live before it is in the store.",
      "await commit(candidate);",
      "this.goLive(version);\n      await commit(candidate);",
      DEPLOYER,
    ],
  ]),
  ...faultsIn("host/src/deployer/version-changes.ts", [
    [
      "A version gets into an environment that was removed meanwhile.",
      "environments.require(environment);\n      const { live }",
      "const { live }",
      DEPLOYER,
    ],
    [
      "A version goes live over a higher one of another host.",
      "if (live >= version)",
      "if (live < 0)",
      DEPLOYER,
    ],
  ]),
  ...faultsIn("host/src/deployer/kept-version.ts", [
    [
      "A rollback goes to the version that is live.",
      "wanted === undefined ? version < live : version === wanted",
      "wanted === undefined ? version <= live : version === wanted",
      DEPLOYER,
    ],
  ]),
  ...faultsIn("host/src/deployer/deploy-slots.ts", [
    [
      "A deploy that has ended keeps its slot.",
      "add(this.#running, environment, -1);",
      "add(this.#running, environment, -1);\n    add(this.#running, environment, 1);",
      SLOTS,
    ],
    [
      "One environment takes all places of deploys.",
      "own >= this.#deploysMax - sumOf(this.#deploys)",
      "own >= this.#deploysMax",
      SLOTS,
    ],
    [
      "A free slot goes to the deploy that waits longest, whatever its environment has.",
      "runningOf(waiting) === fewest",
      "runningOf(waiting) >= fewest",
      SLOTS,
    ],
  ]),
  ...faultsIn("host/src/deployer/code-store.ts", [
    [
      "An archive can have any size.",
      "archiveBytes > this.#limits.archiveBytesMax",
      "archiveBytes < 0",
      CODE_STORE,
    ],
    [
      "An upload that breaks off leaves its bytes.",
      "await rm(staged, { force: true });",
      "",
      CODE_STORE,
    ],
    ["Code has its name before it is complete.", "codeId + INCOMPLETE", "codeId", CODE_STORE],
    [
      "Code that could not be completed stays.",
      "for (const path of [staged, folder]) await rm(path, { recursive: true, force: true });",
      "",
      CODE_STORE,
    ],
    [
      "Code that could not be unpacked once is never unpacked again.",
      "this.#find(codeId, complete).finally(() => this.#unpacking.delete(codeId))",
      "this.#find(codeId, complete)",
      CODE_STORE,
    ],
    [
      "A deploy that fails leaves its archive.",
      "if (archive !== undefined) await rm(archive, { force: true });",
      "",
      CODE_STORE,
    ],
  ]),
  ...faultsIn("host/src/deployer/archive-paths.ts", [
    [
      "A file is written through a link of the archive.",
      "if (kindAbove !== undefined) throw conflicting(above, kindAbove);",
      "",
      PATHS,
    ],
    [
      "An archive can name any number of folders.",
      "this.#kinds.size > this.#pathsMax",
      "this.#kinds.size < 0",
      PATHS,
    ],
  ]),
  ...faultsIn("host/src/deployer/entry-path.ts", [
    [
      "An archive writes outside of its folder.",
      'if (segments.includes("..")) return',
      'if (segments.includes("...")) return',
      "host/src/deployer/entry-path.test.ts",
    ],
  ]),
  ...faultsIn("host/src/deployer/transformed-files.ts", [
    [
      "A compiler writes through a link.",
      "parent === undefined || parent !== dirname(join(folder, path))",
      "parent === undefined",
      FILES,
    ],
    [
      "A compiler writes files that are no sources.",
      "entryPath(path) === path && isSourcePath(path",
      "entryPath(path) === path || isSourcePath(path",
      FILES,
    ],
  ]),
];
