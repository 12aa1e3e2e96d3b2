import { expect, it } from "vitest";
import { callMethod } from "../harness/http-call.ts";
import { startLever } from "../harness/lever.ts";
import { makeTemporaryFolder } from "../harness/temporary-folder.ts";

const large = (number: number): string => `exports.large = "${`${number} `.repeat(600_000)}";`;
const server = (answer: string): string =>
  `exports.answer = () => ["${answer}", require("./large.js").large.length];`;

it("a deploy to another machine sends only the files that have changed", async () => {
  // The command treats only 127.0.0.1 as its own machine.
  await using lever = await startLever({ args: ["--bind", "127.0.0.2"] });
  await using folder = await makeTemporaryFolder();
  const deploy = async (): Promise<string> => {
    const { stdout, stderr, status } = await lever.lever(["deploy", folder.path]);
    expect([status, stderr]).toEqual([0, ""]);
    return stdout;
  };
  await folder.put({
    "lever.json": { name: "kept", jsEntry: "server.js" },
    "large.js": large(1),
    "server.js": server("one"),
  });
  expect(await deploy()).not.toContain("not sent again");
  await folder.put({ "server.js": server("two") });
  expect(await deploy()).toContain("2 files of version 1 not sent again.");
  expect((await callMethod(lever.address, "/kept/answer", [])).json()).toEqual(["two", 1_200_000]);
  await folder.put({ "large.js": large(12) });
  expect(await deploy()).toContain("2 files of version 2 not sent again.");
  expect((await callMethod(lever.address, "/kept/answer", [])).json()).toEqual(["two", 1_800_000]);
  const back = await lever.lever(["rollback", "kept", "2"]);
  expect(back.status).toBe(0);
  expect((await callMethod(lever.address, "/kept/answer", [])).json()).toEqual(["two", 1_200_000]);
});
