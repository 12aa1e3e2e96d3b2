import { describe, expect, it } from "vitest";
import { makeTemporaryFolder } from "../../../tests/harness/temporary-folder.ts";
import { writeContexts } from "./contexts.ts";
import { readSettings } from "./settings.ts";

/** No stored tokens: the folder does not exist. */
const XDG_CONFIG_HOME = "/nowhere";

describe("the settings of a command", () => {
  it("have defaults", () => {
    expect(readSettings({}, { XDG_CONFIG_HOME })).toEqual({
      environment: "dev.lever",
      host: "127.0.0.1:8080",
      hostUrl: new URL("http://127.0.0.1:8080"),
      token: undefined,
      flags: "",
    });
  });

  it("come from environment variables, of which an empty one counts as missing", () => {
    const variables = {
      XDG_CONFIG_HOME,
      LEVEROS_ENV: "Prod.Lever",
      LEVEROS_IP_PORT: "https://lever.example:8443",
      LEVEROS_TOKEN: "lever_x",
    };
    expect(readSettings({}, variables)).toMatchObject({
      environment: "prod.lever",
      host: "https://lever.example:8443",
      token: "lever_x",
      flags: "",
    });
    const empty = { XDG_CONFIG_HOME, LEVEROS_ENV: "", LEVEROS_IP_PORT: "", LEVEROS_TOKEN: "" };
    expect(readSettings({}, empty)).toEqual(readSettings({}, { XDG_CONFIG_HOME }));
  });

  it("come from the context that is used, if no variable names a host", async () => {
    await using folder = await makeTemporaryFolder();
    const own = { XDG_CONFIG_HOME: folder.path };
    const prod = { name: "prod", host: "https://lever.example", environment: "prod.lever" };
    writeContexts({ current: "prod", all: [prod] }, own);
    const { host, environment } = prod;
    expect(readSettings({}, own)).toMatchObject({ host, environment, flags: "" });
    const other = { ...own, LEVEROS_IP_PORT: "a:1" };
    expect(readSettings({}, other)).toMatchObject({ host: "a:1", environment: "dev.lever" });
    expect(readSettings({ env: "b.lever" }, own)).toMatchObject({ host, environment: "b.lever" });
  });

  it("come from flags first, which are repeated in suggested commands", () => {
    const variables = { XDG_CONFIG_HOME, LEVEROS_ENV: "a.lever", LEVEROS_IP_PORT: "a:1" };
    expect(readSettings({ env: "b.lever", host: "b:2" }, variables)).toMatchObject({
      environment: "b.lever",
      host: "b:2",
      flags: "-H b:2 -E b.lever ",
    });
  });

  it.each([
    [{ env: "a b" }, 'Cannot use "a b" as the environment (-E or LEVEROS_ENV): allowed is'],
    [{ env: "a/b" }, 'Cannot use "a/b" as the environment'],
    [{ host: "b" }, 'Cannot use "b" as the host (-H or LEVEROS_IP_PORT): allowed is HOST:PORT'],
  ])("%j are not valid: status 2", (flags, message) => {
    expect(() => readSettings(flags, { XDG_CONFIG_HOME })).toThrow(
      expect.objectContaining({ status: 2, message: expect.stringContaining(message) }),
    );
  });
});
