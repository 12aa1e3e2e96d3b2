// @module-tag needs-chromium
import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { CreatedToken } from "@leveros/protocol";
import axe from "axe-core";
import { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { launchBrowser } from "../harness/browser.ts";
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

let folder: TemporaryFolder;
let lever: RunningLever;
let browser: Browser;
let page: Page;
/** Errors of the page, violations of its policy, and requests to other hosts. */
let faults: string[];

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
  lever = await startLever({ dataDir: folder.path });
  await deployService(lever, testService(shop, { name: "shop", description: "takes orders" }));
  await callOf("greet", "Ada");
  await callOf("fail").catch(() => {});
  browser = await launchBrowser();
  page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  faults = [];
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("console", (message) => {
    if (message.type() === "error" || message.type() === "warning") faults.push(message.text());
  });
  page.on("request", (request) => {
    const { host, protocol } = new URL(request.url());
    if (host !== lever.address && protocol !== "data:" && protocol !== "blob:") {
      faults.push(`request to ${request.url()}`);
    }
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await lever?.stop();
  await folder?.[Symbol.asyncDispose]();
});

/** Opens a screen, as a link to it would. */
async function open(path: string): Promise<void> {
  const to = `${lever.origin}/-/console/${path}`;
  if (!page.url().startsWith(lever.origin)) await page.goto(to);
  else {
    await page.evaluate(
      `history.pushState(null, "", ${JSON.stringify(to)}); dispatchEvent(new PopStateEvent("popstate"))`,
    );
  }
}

const seen = async (text: string | RegExp): Promise<void> => {
  await page.getByText(text).filter({ visible: true }).first().waitFor();
};

type Theme = "light" | "dark";

/** The rules of axe-core that the page breaks. */
async function accessFaults(colorScheme: Theme): Promise<unknown[]> {
  await page.emulateMedia({ colorScheme });
  await page.evaluate(axe.source);
  return await page.evaluate(async () => {
    const { violations } = await (globalThis as unknown as { axe: typeof axe }).axe.run();
    return violations.flatMap(({ id, nodes }) => nodes.map(({ html }) => [id, html]));
  });
}

describe("the files of the console", () => {
  const first = (name: string): number => statSync(join(built, name)).size;

  it("the first load of the console has at most 80 kB, compressed", () => {
    const names = readdirSync(built, { recursive: true, encoding: "utf8" });
    const bytes = names.filter((name) => name.endsWith(".gz")).map(first);
    expect(bytes.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(80_000);
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
    await keyboard.press("j");
    await keyboard.press("Enter");
    await page.waitForURL("**/s/shop");
    await keyboard.press("?");
    await page.getByRole("dialog", { name: "Keys" }).waitFor();
    expect(await accessFaults("dark")).toEqual([]);
    await keyboard.press("Escape");
    await page.getByRole("dialog").waitFor({ state: "detached" });
    expect(faults).toEqual([]);
  });
});

describe("access", () => {
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
