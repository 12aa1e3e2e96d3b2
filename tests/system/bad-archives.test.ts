import { readdirSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  type ArchiveEntry,
  archiveOf,
  serviceArchive,
  tarEntry,
  tarOf,
} from "../harness/archive.ts";
import { callMethod, deployArchive } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { deployService, testService } from "../harness/test-service.ts";

const leverJson = '{"name": "victim", "jsEntry": "server.js"}';
const good: readonly ArchiveEntry[] = [
  { path: "lever.json", body: leverJson },
  { path: "server.js", body: "exports.version = () => 1;" },
];

let lever: RunningLever;

beforeAll(async () => {
  lever = await startLever({ args: ["--limit", "startTimeoutMs=1500"] });
  const report = await deployService(lever, archiveOf(good));
  expect(report).toMatchObject({ service: "victim", version: 1, methods: ["version"] });
});

afterAll(() => lever.stop());

/** The host's refusal. Checks that nothing is left behind and that the old version serves. */
async function refusal(archive: Buffer): Promise<unknown> {
  const answer = await deployArchive(lever.address, archive);
  expect([answer.status, answer.headers["lever-error"]]).toEqual([500, "method"]);
  const left = (name: string): string[] => readdirSync(join(lever.dataDir, name));
  expect(left("staging")).toEqual([]);
  expect(left("code")).toHaveLength(1);
  expect(left("archives")).toHaveLength(1);
  expect((await callMethod(lever.address, "/victim/version", [])).json()).toBe(1);
  return answer.json();
}

const cannot = (reason: string): string => `Cannot unpack the archive: ${reason}.`;

describe("an archive is refused", () => {
  const rows: readonly (readonly [string, readonly ArchiveEntry[], string])[] = [
    [
      "with ..",
      [{ path: "a/../../evil.js" }],
      'its entry "a/../../evil.js": its path leads out of the folder',
    ],
    [
      "with an absolute path",
      [{ path: "/tmp/evil.js" }],
      'its entry "/tmp/evil.js": its path is absolute',
    ],
    [
      "with a link out of the folder",
      [{ path: "out", type: "SymbolicLink", linkpath: "../../../etc/passwd" }],
      'its link "out" leads to "../../../etc/passwd", which is not inside the folder',
    ],
    [
      "with an absolute link",
      [{ path: "out", type: "SymbolicLink", linkpath: "/etc" }],
      'its link "out" leads to "/etc", which is not inside the folder',
    ],
    [
      "with links that only lead out together",
      [
        { path: "sub/here", type: "SymbolicLink", linkpath: ".." },
        { path: "out", type: "SymbolicLink", linkpath: "sub/here/../.." },
      ],
      'its link "out" leads to "sub/here/../..", which is not inside the folder',
    ],
    [
      "that writes through a link",
      [
        { path: "dir", type: "SymbolicLink", linkpath: "/tmp" },
        { path: "dir/evil.js", body: "x" },
      ],
      'its link "dir" leads to "/tmp", which is not inside the folder',
    ],
    [
      "with a link to nothing",
      [{ path: "dangling", type: "SymbolicLink", linkpath: "nowhere" }],
      'its link "dangling" leads to "nowhere", which is not inside the folder',
    ],
    [
      "with a hard link out",
      [{ path: "out", type: "Link", linkpath: "../../lever.sqlite" }],
      'its link "out" leads to "../../lever.sqlite", which is not inside the folder',
    ],
    [
      "with a hard link to nothing",
      [{ path: "out", type: "Link", linkpath: "nowhere" }],
      'its link "out" leads to "nowhere", which is no file of the archive',
    ],
    [
      "with a device",
      [{ path: "null", type: "CharacterDevice" }],
      'its entry "null" is a CharacterDevice; allowed are files, folders, and links that stay inside',
    ],
    [
      "with a pipe",
      [{ path: "pipe", type: "FIFO" }],
      'its entry "pipe" is a FIFO; allowed are files, folders, and links that stay inside',
    ],
    [
      "with a file where a folder must be",
      [
        { path: "a", body: "file" },
        { path: "a/b", body: "below" },
      ],
      'its entry "a" is a file and also a folder',
    ],
    [
      "with a folder where a file must be",
      [{ path: "a/b", body: "below" }, { path: "a" }],
      'its entry "a" is a file and also a folder',
    ],
    [
      "with a file below a link",
      [
        { path: "dir", type: "SymbolicLink", linkpath: "other" },
        { path: "other/a", body: "x" },
        { path: "dir/b", body: "x" },
      ],
      'its entry "dir" is a link and also a folder',
    ],
  ];

  it.each(rows)("an archive %s is refused", async (_name, entries, reason) => {
    expect(await refusal(archiveOf([...good, ...entries]))).toBe(cannot(reason));
  });

  it("an archive with a path of more than 64 folders is refused", async () => {
    const path = `${"d/".repeat(70)}x`;
    expect(await refusal(archiveOf([...good, { path }]))).toContain("more than 64 folders deep");
  });

  it("an archive that is truncated is refused", async () => {
    const whole = archiveOf([...good, { path: "big", body: Buffer.alloc(100_000, "lever") }]);
    expect(await refusal(whole.subarray(0, whole.length - 100))).toBe(
      cannot("it is cut off in the middle"),
    );
  });

  it("an archive that ends within an entry is refused", async () => {
    const tar = tarOf([{ path: "big", body: Buffer.alloc(10_000) }]);
    expect(await refusal(gzipSync(tar.subarray(0, 4_000)))).toMatch(
      /^Cannot unpack the archive: it is no tar/,
    );
  });

  it("an archive that is not compressed is refused", async () => {
    expect(await refusal(tarOf(good))).toBe(cannot("it is not compressed with gzip or zstd"));
  });

  it("an empty archive is refused", async () => {
    expect(await refusal(Buffer.alloc(0))).toBe(cannot("it is cut off in the middle"));
  });

  it("an archive that is no tar is refused", async () => {
    const answer = await refusal(gzipSync(Buffer.alloc(2_000, "lever ")));
    expect(answer).toMatch(/^Cannot unpack the archive: it is no tar archive/);
  });

  it("an archive whose entry declares 8 GB is refused", async () => {
    const declared = tarEntry({ path: "zeros", size: 8 * 1024 ** 3 - 1 });
    expect(await refusal(gzipSync(declared))).toBe(
      cannot("unpacked it has more than 536870912 bytes"),
    );
  });

  it("an archive with 10 files of 64 MB each is refused", async () => {
    const file = Buffer.concat([
      tarEntry({ path: "zeros", size: 64 * 1024 ** 2 }),
      Buffer.alloc(64 * 1024 ** 2),
    ]);
    // Members of a gzip file follow one another.
    const member = gzipSync(file, { level: 9 });
    expect(await refusal(Buffer.concat(Array(10).fill(member)))).toBe(
      cannot("unpacked it has more than 536870912 bytes"),
    );
  });

  it("an archive with a million entries is refused", async () => {
    // As above, one compressed block of entries is repeated.
    const block = Array.from({ length: 1_000 }, (_, index) => tarEntry({ path: `e${index}` }));
    const member = gzipSync(Buffer.concat(block), { level: 9 });
    const bomb = Buffer.concat(Array.from({ length: 1_000 }, () => member));
    expect(await refusal(bomb)).toBe(cannot("it has more than 50000 entries"));
  });

  it("an archive of more than 30 MiB is refused", async () => {
    const answer = await refusal(Buffer.alloc(30 * 1024 * 1024 + 1));
    expect(answer).toBe("Cannot read the archive: it has more than 31457280 bytes.");
  });
});

describe("a service is refused", () => {
  const field = (json: string, name: string, found: string, allowed: string) =>
    [json, `lever.json: field ${name} is ${found}; allowed is ${allowed}.`] as const;

  const rows: readonly (readonly [string, string])[] = [
    [
      "{",
      "lever.json: the file is not JSON: Expected property name or '}' in JSON at position 1 (line 1 column 2).",
    ],
    ["[]", "lever.json: the file holds []; allowed is an object."],
    field("{}", "name", "missing", "3 to 255 of A-Z a-z 0-9 - _ . ~"),
    field('{"name": "ab"}', "name", '"ab"', "3 to 255 of A-Z a-z 0-9 - _ . ~"),
    field('{"name": "../up"}', "name", '"../up"', "3 to 255 of A-Z a-z 0-9 - _ . ~"),
    field('{"name": "..."}', "name", '"..."', "3 to 255 of A-Z a-z 0-9 - _ . ~"),
    field('{"name": 7}', "name", "7", "3 to 255 of A-Z a-z 0-9 - _ . ~"),
    field(
      '{"name": "abc", "jsEntry": "../x.js"}',
      "jsEntry",
      '"../x.js"',
      "the path of a .js .mjs .cjs .ts .mts .cts .tsx or .jsx file inside the service folder",
    ),
    field(
      '{"name": "abc", "jsEntry": "a.js", "private": "yes"}',
      "private",
      '"yes"',
      "true or false",
    ),
    field(
      '{"name": "abc", "jsEntry": "a.js", "ram": 1.5}',
      "ram",
      "1.5",
      "a whole number of megabytes, 1 or more",
    ),
    field(
      '{"name": "abc", "jsEntry": "a.js", "maxInstanceLoad": 0}',
      "maxInstanceLoad",
      "0",
      "a number greater than 0",
    ),
    [
      '{"name": "abc", "jsEntry": "a.js", "entry": ["./serve"]}',
      "lever.json: fields entry and jsEntry are both set; allowed is one of them.",
    ],
    [
      '{"name": "abc", "jsEntry": "missing.js"}',
      'lever.json: field jsEntry is "missing.js"; there is no such file in the service folder. There is no JavaScript or TypeScript module in it.',
    ],
    [
      '{"name": "abc", "jsEntry": "folder.js"}',
      'lever.json: field jsEntry is "folder.js"; allowed is a plain file in the service folder.',
    ],
  ];

  it.each(rows)("lever.json %s is refused", async (text, message) => {
    const archive = archiveOf([
      { path: "lever.json", body: text },
      { path: "folder.js/", type: "Directory" },
    ]);
    expect(await refusal(archive)).toBe(message);
  });

  it("a service without a lever.json is refused", async () => {
    expect(await refusal(serviceArchive({ "server.js": "" }))).toBe(
      "lever.json: the file is missing from the top of the service folder.",
    );
  });

  it("a service whose lever.json is a link is refused", async () => {
    const archive = archiveOf([
      { path: "real.json", body: leverJson },
      { path: "lever.json", type: "SymbolicLink", linkpath: "real.json" },
    ]);
    expect(await refusal(archive)).toMatch(/^lever\.json: allowed is a plain file/);
  });

  it("an unknown field of lever.json is a warning that names the nearest field", async () => {
    const service = testService("exports.one = () => 1;", { name: "other", maxInstance: 3 });
    expect(await deployService(lever, service)).toMatchObject({
      warnings: [
        'lever.json: field "maxInstance" is unknown and has no effect. Did you mean maxInstances?',
      ],
    });
  });
});

/**
 * The error without its last line, which names the command that shows the log of the failed instance. Each deploy that fails
 * has a number of its own, here shown as 2.
 */
function withoutLog(error: unknown): string {
  const [, before = "", command] =
    /^(.*)\nIts log: (lever logs victim --instance victim-\d-[0-9a-f]{8})$/s.exec(String(error)) ??
    [];
  expect(command).toBeDefined();
  return before.replace(/^(Cannot start victim version) [2-9]:/, "$1 2:");
}

describe("a service that cannot start", () => {
  const rows: readonly (readonly [string, string, unknown])[] = [
    [
      "a syntax error",
      "exports.a = (;",
      expect.stringMatching(
        /^Cannot start victim version 2: Its module cannot be loaded: server\.js:1\nexports\.a = \(;/,
      ),
    ],
    [
      "a throw",
      'throw new Error("no database");',
      expect.stringContaining(
        "Its module cannot be loaded: Error: no database\n    at Object.<anonymous> (server.js:1:7)",
      ),
    ],
    [
      "an import of nothing",
      'require("nothing-there");',
      expect.stringContaining("Cannot find module 'nothing-there'"),
    ],
    [
      "an exit",
      'console.log("bye"); process.exit(4);',
      "Cannot start victim version 2: The instance exited with status 4 before it was ready. Its last output:\nbye",
    ],
    [
      "loading that never ends",
      "while (true);",
      "Cannot start victim version 2: It was still loading after 1500 ms: the code at the top of server.js, or an await in it, has not ended.",
    ],
    [
      "no functions",
      "exports.a = 1;",
      'Cannot start victim version 2: Its module cannot be loaded: it has no methods, as it exports only a (a number). Export a function, for example: exports.hello = () => "Hello".',
    ],
  ];

  it.each(rows)(
    "a service with %s is refused, and the old version serves",
    async (_name, source, message) => {
      const archive = testService(source, { name: "victim" });
      const answer = await deployArchive(lever.address, archive);
      expect([answer.status, answer.headers["lever-error"]]).toEqual([500, "method"]);
      expect(withoutLog(answer.json())).toEqual(message);
      expect((await callMethod(lever.address, "/victim/version", [])).json()).toBe(1);
    },
  );

  it("a service whose top-level await never settles is refused", async () => {
    const archive = testService(
      { "server.mjs": "await new Promise(() => {}); export const a = () => 1;" },
      { name: "victim", jsEntry: "server.mjs" },
    );
    expect(withoutLog((await deployArchive(lever.address, archive)).json())).toBe(
      "Cannot start victim version 2: It was still loading after 1500 ms: the code at the top of server.mjs, or an await in it, has not ended.",
    );
  });
});
