// @module-tag needs-chromium
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import { Client } from "leveros";
import type { Browser, Locator, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../harness/browser.ts";
import { type ConsolePage, openConsolePage, type Theme } from "../harness/console-page.ts";
import { httpCall } from "../harness/http-call.ts";
import { type RunningLever, startLever } from "../harness/lever.ts";
import { MANY, putManyServices } from "../harness/many-services.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";
import { deployService, testService } from "../harness/test-service.ts";

const SERVICES = 10_000;
const built = join(import.meta.dirname, "../../packages/host/dist/console");

const shop = `
exports.greet = (name) => { console.log("greets " + name); console.error("\\u001b[31mred\\u001b[0m"); return { text: "Hello, " + name + "!" }; };
exports.fail = () => { throw new Error("no such order"); };
exports.echoChan = async (stream) => { for await (const message of stream) stream.write(message); };
`;
const cart = `
exports.newResource = () => {};
exports.add = (cart, item, count = 1) => item;
`;

let folder: TemporaryFolder;
let lever: RunningLever;
let browser: Browser;
let page: Page;
let faults: ConsolePage["faults"];
let open: ConsolePage["open"];
let seen: ConsolePage["seen"];
let accessFaults: ConsolePage["accessFaults"];

const callOf = async (method: string, ...args: unknown[]): Promise<unknown> =>
  await new Client({ forceHost: lever.address })
    .service("dev.lever", "shop")
    .invoke(method, ...args);
const admin = async (method: string, ...args: unknown[]): Promise<unknown> =>
  await new Client({ forceHost: lever.address })
    .service("admin.lever", "admin")
    .invoke(method, ...args);

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  await putManyServices(folder.path, SERVICES);
  lever = await startLever({ dataDir: folder.path, args: ["--console-host", "lever.example"] });
  const fields = { name: "shop", description: "takes orders" };
  await deployService(lever, testService(shop.replace("Hello", "Hi"), fields));
  await deployService(lever, testService(shop, fields));
  await deployService(lever, testService(cart, { name: "cart" }));
  await new Client({ forceHost: lever.address })
    .resource("dev.lever", "cart", "c-1")
    .invoke("add", 1);
  await callOf("greet", "Ada");
  await callOf("fail").catch(() => {});
  browser = await launchBrowser();
  ({ page, faults, open, seen, accessFaults } = await openConsolePage(browser, lever.origin));
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await lever?.stop();
  await folder?.[Symbol.asyncDispose]();
});

describe("the files of the console", () => {
  const size = (name: string): number => statSync(join(built, name)).size;

  it("the first load of the console has at most 80 kB, compressed, and each later part 20 kB", () => {
    const page = readFileSync(join(built, "index.html"), "utf8");
    const names = readdirSync(built, { recursive: true, encoding: "utf8" });
    const zipped = names.filter((name) => name.endsWith(".gz"));
    const isFirst = (name: string): boolean =>
      name === "index.html.gz" || page.includes(name.slice(0, -".gz".length));
    const firstBytes = zipped.filter(isFirst).map(size);
    expect(firstBytes.length).toBeGreaterThanOrEqual(3);
    expect(firstBytes.reduce((sum, bytes) => sum + bytes, 0)).toBeLessThanOrEqual(80_000);
    for (const name of zipped.filter((of) => !isFirst(of))) {
      expect([name, size(name) <= 20_000]).toEqual([name, true]);
    }
  });

  it("the page of the console allows its own files only, and is never stored", async () => {
    const { headers } = await fetch(`${lever.origin}/-/console/s/shop`);
    expect(headers.get("content-security-policy")).toMatch(
      /^default-src 'none'; script-src 'self'; .*require-trusted-types-for 'script'/,
    );
    expect(headers.get("cache-control")).toBe("no-cache");
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  });

  it("an asset of the console is compressed, and browsers store it", async () => {
    const text = await (await fetch(`${lever.origin}/-/console/`)).text();
    const [, path = ""] = /src="([^"]+)"/.exec(text) ?? [];
    const { headers } = await fetch(lever.origin + path, { headers: { "accept-encoding": "br" } });
    expect(headers.get("content-encoding")).toBe("br");
    expect(headers.get("cache-control")).toMatch(/immutable/);
    const missing = await fetch(`${lever.origin}/-/console/assets/other.js`);
    expect(missing.status).toBe(404);
  });

  it.each([
    ["text/html,*/*", 302],
    ["*/*", 400],
  ])("a request for / that accepts %s is answered with %i", async (accept, status) => {
    const answer = await fetch(lever.origin, { redirect: "manual", headers: { accept } });
    expect(answer.status).toBe(status);
  });
});

describe("screens", () => {
  it.each<[path: string, theme: Theme, text: string | RegExp]>([
    ["", "light", "shop"],
    ["", "dark", "shop"],
    ["s/shop", "light", "takes orders"],
    ["s/shop", "dark", "takes orders"],
    ["s/shop/instances", "light", "of its limit"],
    ["s/shop/versions", "dark", /^live$/],
    ["s/shop/versions?changes=1-2", "light", "1 file differs"],
    ["s/shop/resources", "light", /No resource is in use/],
    ["s/cart/resources", "dark", "c-1"],
    ["s/shop/scaling", "light", /because/],
    ["s/shop/logs", "dark", "greets Ada"],
    ["logs", "light", "greets Ada"],
    ["logs", "dark", "greets Ada"],
    ["calls", "light", "method failed"],
    ["calls", "dark", "method failed"],
    ["call?m=shop/greet", "light", "The answer will be here."],
    ["call?m=shop/echoChan", "dark", "Messages will be here."],
    ["events", "light", /version live|instance ready/],
    ["settings", "dark", MANY],
    ["settings/routes", "light", /There is none/],
    ["settings/hosts", "dark", /This host is the only one/],
    ["settings/variables", "light", "None is set."],
    ["settings/tokens", "dark", /There is none/],
    ["settings/limits", "light", "callTimeoutMs"],
    ["settings/audit", "dark", "deployServiceChan"],
    ["settings/about", "light", "machine"],
    ["nothing/here", "dark", "There is no such page"],
    ["s/unknown", "light", "There is no such service"],
    ["?env=empty.lever", "dark", "There is no such environment"],
    ["s/admin?env=admin.lever", "light", "createToken"],
  ])("the screen %j opens without a fault in the %s theme", async (path, theme, text) => {
    await open(path);
    await seen(text);
    expect(await accessFaults(theme)).toEqual([]);
    expect(faults).toEqual([]);
  });

  it("a call of the console shows its answer, its trace and its logs", async () => {
    await open("call?m=shop/greet");
    await page.getByLabel("Arguments, a JSON list").first().fill('["Grace"]');
    await page.getByRole("button", { name: /^Call/ }).click();
    await seen('"Hello, Grace!"');
    await page.getByRole("link", { name: "Trace" }).click();
    await seen("greets Grace");
    expect(await accessFaults("dark")).toEqual([]);
  });

  it("a stream of the console sends messages, and shows the answers", async () => {
    await open("call?m=shop/echoChan");
    await page.getByRole("button", { name: "Open" }).click();
    await page.getByLabel("A message, in JSON").fill('{"a": 1}');
    await page.getByRole("button", { name: /^Send/ }).click();
    await page.locator(".transcript .method").waitFor();
    await page.getByRole("button", { name: "End", exact: true }).click();
    await seen("The method has ended the stream.");
    expect(faults).toEqual([]);
  });

  it("what a service prints appears in the logs while they are shown", async () => {
    await open("logs?q=greets");
    await seen("greets Ada");
    await callOf("greet", "Linus");
    await seen("greets Linus");
  });

  it("10,000 services are one list, of which the page has the visible rows only", async () => {
    await open(`?env=${MANY}&sort=service&order=up`);
    await seen("many-0");
    await seen("10,000 services");
    const nodes = (): Promise<number> => page.locator("table.rows *").count();
    expect(await nodes()).toBeLessThanOrEqual(400);
    await page.evaluate('document.getElementById("main").scrollTo(0, 1e9)');
    await seen("many-9999");
    expect(await nodes()).toBeLessThanOrEqual(400);
    await page.getByLabel("Filter services").fill("many-777");
    await seen("11 of 10,000");
  });

  it("the form of a method has its arguments, as its source names them", async () => {
    await open("call?m=shop/greet");
    await seen("greet(name)");
    await open("call?m=cart/add");
    await seen("add(item, count = 1)");
    const editor = page.getByLabel("Arguments, a JSON list").first();
    await expect.poll(() => editor.inputValue()).toBe('["item"]');
    await seen(/called with a resource/);
  });

  it("two versions are compared by their lines", async () => {
    await open("s/shop/versions");
    await page.getByRole("link", { name: "Changes" }).click();
    const lines = (kind: string): Locator => page.locator(`.diff-lines .${kind} .text`);
    await lines("removed").waitFor();
    expect(await lines("removed").textContent()).toContain("Hi, ");
    expect(await lines("added").textContent()).toContain("Hello, ");
    expect(faults).toEqual([]);
  });

  it("a folder that is dropped on the page is deployed, and an archive that is chosen", async () => {
    await using local = await makeTemporaryFolder();
    const long = `${"long-name/".repeat(12)}data.json`;
    await local.put({
      "lever.json": { name: "dropped", jsEntry: "server.js" },
      "server.js": `exports.read = () => require("./${long}");`,
      [long]: { text: "ünïcödé" },
      ".env": "SECRET=1",
      "archive.tar.gz": "",
    });
    await open("");
    await seen("shop");
    const session = await page.context().newCDPSession(page);
    const data = { items: [], files: [local.path], dragOperationsMask: 1 };
    for (const type of ["dragEnter", "dragOver"] as const) {
      await session.send("Input.dispatchDragEvent", { type, x: 600, y: 400, data });
    }
    await seen("Drop it to deploy it to dev.lever");
    await session.send("Input.dispatchDragEvent", { type: "drop", x: 600, y: 400, data });
    await session.detach();
    await seen(/^dropped, 4 files/);
    expect(await accessFaults("light")).toEqual([]);
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("button", { name: "Open dropped" }).click();
    await page.waitForURL("**/s/dropped");
    const read = await new Client({ forceHost: lever.address })
      .service("dev.lever", "dropped")
      .invoke("read");
    expect(read).toEqual({ text: "ünïcödé" });
    await open("");
    await page.getByRole("button", { name: "Deploy…" }).click();
    const buffer = testService("exports.go = () => 1;", { name: "archived" });
    const archive = { name: "a.tar.gz", mimeType: "application/gzip", buffer };
    await page.getByLabel(/^An archive/).setInputFiles(archive);
    await page.getByRole("button", { name: "Deploy", exact: true }).click();
    await page.getByRole("button", { name: "Open archived" }).waitFor();
    await page.keyboard.press("Escape");
    expect(faults).toEqual([]);
  });

  it("what cannot be deployed is said before it is sent", async () => {
    await open("");
    await page.getByRole("button", { name: "Deploy…" }).click();
    const file = { name: "notes.txt", mimeType: "text/plain", buffer: Buffer.from("no service") };
    await page.getByLabel(/^An archive/).setInputFiles(file);
    await seen(/^There is no lever.json in it/);
    await page.keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
  });

  it("a profile of an instance is saved as a file", async () => {
    await open("s/shop/instances");
    await page.getByRole("button", { name: "Profile…" }).first().click();
    await page.getByRole("button", { name: "Heap" }).click();
    const download = page.waitForEvent("download");
    await page.getByRole("button", { name: "Take a profile" }).click();
    expect((await download).suggestedFilename()).toMatch(/^shop-.*\.heapsnapshot$/);
    await seen(/^Saved as/);
    expect(await accessFaults("dark")).toEqual([]);
    await page.keyboard.press("Escape");
    expect(faults).toEqual([]);
  });

  it.each([
    ["g l", "/logs"],
    ["g t", "/calls"],
    ["g c", "/call"],
    ["g e", "/events"],
    ["g h", "/settings/hosts"],
    ["g r", "/settings/routes"],
    ["g s", "/settings"],
    ["g o", "/"],
  ])("the keys %s lead to %s", async (keys, path) => {
    await page.getByRole("dialog").waitFor({ state: "detached" });
    for (const key of keys.split(" ")) await page.keyboard.press(key);
    await page.waitForURL(`**/-/console${path}`);
  });

  it("the keys alone lead to a service, its rows and other screens", async () => {
    await open("");
    await seen("shop");
    const { keyboard } = page;
    await keyboard.press("Control+k");
    await page.getByRole("combobox", { name: "Search services" }).fill("shop");
    await page.getByRole("option", { name: "shop service" }).waitFor();
    await keyboard.press("Enter");
    await page.waitForURL("**/s/shop");
    await keyboard.press("g");
    await keyboard.press("o");
    await page.waitForURL("**/-/console/");
    await page.locator("[data-row]").first().waitFor();
    await keyboard.press("/");
    await keyboard.type("shop");
    await page.waitForURL("**/?q=shop");
    await keyboard.press("Tab");
    await page.locator("table.rows a", { hasText: "shop" }).waitFor();
    for (const key of ["j", "k", "j", "Enter"]) await keyboard.press(key);
    await page.waitForURL("**/s/shop");
    await keyboard.press("g");
    await keyboard.press("l");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await keyboard.press("p");
    await page.getByRole("button", { name: /^Resume/ }).waitFor();
    await keyboard.press("p");
    await page.getByRole("button", { name: "Pause" }).waitFor();
    await keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    expect(await accessFaults("dark")).toEqual([]);
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });
});

describe("access", () => {
  /** The status of a call of a page under a host name, behind a proxy with TLS. */
  async function askAs(host: string, token = ""): Promise<number> {
    const headers = {
      host,
      origin: `https://${host}`,
      "content-type": "application/json",
      ...(token !== "" && { authorization: `Bearer ${token}` }),
    };
    const path = "/admin/listLimits?forceenv=admin.lever";
    return (await httpCall(lever.address, path, { headers, body: "[]" })).status;
  }

  it("while there is no token, the console works under no further name", async () => {
    expect(await askAs("lever.example")).toBe(403);
  });

  it("watchers have a limit of their own, beside which calls go on", async () => {
    const client = new Client({ forceHost: lever.address }).service("admin.lever", "admin");
    const streams = await Promise.all(
      Array.from({ length: 201 }, () => client.invokeChan("watchChan")),
    );
    // Each is answered at once, or refused.
    const outcomes = await Promise.all(
      streams.map(async (stream) => {
        stream.write({ see: [{ id: 1, method: "whoAmI", args: [] }] });
        return await stream[Symbol.asyncIterator]()
          .next()
          .then(
            () => "open",
            (error: { code?: string }) => error.code,
          );
      }),
    );
    expect(new Set(outcomes)).toEqual(new Set(["open", "overloaded"]));
    expect(outcomes.filter((of) => of === "open").length).toBeGreaterThan(100);
    expect(await admin("whoAmI")).toEqual({ token: null });
    for (const stream of streams) stream.cancel();
  });

  it("a code of a token opens the console once, with the rights of the token", async () => {
    const { token } = (await admin("createToken", {
      environments: ["*"],
      rights: ["admin"],
    })) as CreatedToken;
    const own = new Client({ forceHost: lever.address, token }).service("admin.lever", "admin");
    const looking = (await own.invoke("createToken", {
      environments: ["dev.lever"],
      rights: ["look"],
    })) as CreatedToken;
    await page.reload();
    await seen("This host asks for a token.");
    expect(await accessFaults("dark")).toEqual([]);
    const opened = await lever.lever(["console", "--print"], {
      env: { LEVEROS_TOKEN: looking.token },
    });
    const address = opened.stdout.trim();
    expect(address).toMatch(/\/-\/console\/#code=lever_[\w-]{43}$/);
    const other = await browser.newPage();
    await other.goto(address);
    await other.getByText("shop").first().waitFor();
    expect(new URL(other.url()).hash).toBe("");
    await other.goto(`${lever.origin}/-/console/settings/tokens`);
    await other.getByText("Your token does not allow this").waitFor();
    await other.close();
    const again = await browser.newPage();
    await again.goto(address);
    await again.getByText("This host asks for a token.").waitFor();
    await again.close();
    const notes = ((await own.invoke("listTokens")) as CreatedToken[]).map(({ note }) => note);
    expect(notes).toContain(`console, of ${looking.id}`);
    await own.invoke("revokeToken", looking.id);
    expect(await own.invoke("listTokens")).toHaveLength(1);
    expect(await askAs("lever.example", token)).toBe(200);
    expect(await askAs("evil.example", token)).toBe(403);
    await page.getByLabel("Or enter one").fill(token);
    await page.getByRole("button", { name: "Enter" }).click();
    await seen("shop");
  });

  it("a page whose host has gone says so, and keeps what it shows", async () => {
    await lever.stop();
    await seen("The host does not answer.");
    await seen("shop");
  });
});
