/**
 * Makes the picture of the console for the docs: a host with services that call one another, under load for a minute, in
 * Debian's Chromium (npm run console-screenshot). With a folder as its argument, it makes one of every screen there, in both
 * themes, wide and narrow, to be looked at.
 */
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { Client } from "leveros";
import type { Browser } from "playwright-core";
import { launchBrowser } from "../tests/harness/browser.ts";
import { startLever } from "../tests/harness/lever.ts";
import { deployService, testService } from "../tests/harness/test-service.ts";

const CALLERS = 3;
const LOAD_MS = 40_000;

/** Every screen, with what is clicked on it before the picture is taken. */
const screens: readonly (readonly [name: string, path: string, clicked?: string])[] = [
  ["overview", ""],
  ["overview-24h", "?range=24h"],
  ["overview-empty", "?env=empty.lever"],
  ["overview-none-found", "?q=nothing-has-this"],
  ["service", "s/shop"],
  ["service-fails", "s/broken"],
  ["service-logs", "s/pay/logs"],
  ["service-calls", "s/pay/calls"],
  ["service-instances", "s/shop/instances"],
  ["profile", "s/shop/instances", "button:text('Profile')"],
  ["versions", "s/pay/versions"],
  ["changes", "s/pay/versions?changes=1-2"],
  ["resources", "s/cart/resources"],
  ["resources-none", "s/shop/resources"],
  ["scaling", "s/shop/scaling"],
  ["service-variables", "s/pay/variables"],
  ["service-events", "s/pay/events"],
  ["remove", "s/mail", "button:text('Remove')"],
  ["logs", "logs"],
  ["log-record", "logs?level=error", ".log-lines [data-row]"],
  ["calls", "calls"],
  ["trace", "calls?kind=errors", "table.rows [data-row]"],
  ["call", "call?m=shop/checkout"],
  ["call-stream", "call?m=mail/feedChan", "button:text('Open')"],
  ["events", "events"],
  ["environments", "settings"],
  ["routes", "settings/routes"],
  ["new-route", "settings/routes", "button:text('New route')"],
  ["variables", "settings/variables"],
  ["set-variable", "settings/variables", "button:text('Set a variable')"],
  ["tokens", "settings/tokens"],
  ["new-token", "settings/tokens", "button:text('New token')"],
  ["hosts", "settings/hosts"],
  ["limits", "settings/limits"],
  ["audit", "settings/audit"],
  ["about", "settings/about"],
  ["deploy", "", "button:text('Deploy')"],
  ["palette", "", "button.search"],
  ["no-such-page", "nothing/here"],
  ["no-such-service", "s/nothing"],
];

const services: Readonly<Record<string, string>> = {
  shop: `
    const { Client } = require("leveros");
    const client = new Client();
    exports.checkout = async (id) => {
      await client.service("", "stock").invoke("reserve", id);
      return await client.service("", "pay").invoke("charge", id);
    };`,
  pay: `exports.charge = async (id) => {
    await new Promise((resolve) => setTimeout(resolve, 8 + Math.random() * 14));
    if (id % 40 === 7) throw new Error("card refused");
    console.log("charged order " + id);
  };`,
  stock: `exports.reserve = async () => new Promise((resolve) => setTimeout(resolve, 2 + Math.random() * 4));`,
  search: `exports.find = async () => new Promise((resolve) => setTimeout(resolve, Math.random() * 30));`,
  mail: `
    exports.send = () => {};
    exports.feedChan = async (stream, from) => { for await (const message of stream) stream.write(message); };`,
  "exchange-rates": `exports.of = () => 1;`,
  "nightly-report": `exports.make = () => {};`,
};

/** They are not in the picture for the docs. */
const furtherServices: Readonly<Record<string, string>> = {
  cart: `
    exports.newResource = () => {};
    exports.add = (cart, item, count = 1) => ({ cart, item, count });`,
  broken: `exports.go = () => { console.error("cannot reach the database"); process.exit(3); };`,
};

await using lever = await startLever();
for (const [name, code] of Object.entries(services)) {
  await deployService(lever, testService(code, { name }));
}
const client = new Client({ forceHost: lever.address });
let orders = 0;
let isOver = false;

async function keepCalling(make: () => Promise<unknown>, pauseMs: number): Promise<void> {
  while (!isOver) {
    await make().catch(() => {});
    await delay(pauseMs * (0.5 + Math.random()));
  }
}

const call = (service: string, method: string, ...args: unknown[]): Promise<unknown> =>
  client.service("dev.lever", service).invoke(method, ...args);
const load = [
  ...Array.from({ length: CALLERS }, () =>
    keepCalling(() => call("shop", "checkout", ++orders), 120),
  ),
  keepCalling(() => call("search", "find"), 90),
  keepCalling(() => call("mail", "send"), 900),
];
const browser = await launchBrowser();
const [, , folder] = process.argv;
if (folder === undefined) await takeForDocs(browser);
else await takeAll(browser, folder);
await browser.close();
isOver = true;
await Promise.all(load);

async function takeForDocs(of: Browser): Promise<void> {
  const page = await of.newPage({
    viewport: { width: 1180, height: 720 },
    deviceScaleFactor: 2,
    colorScheme: "light",
  });
  await page.goto(`${lever.origin}/-/console/`);
  await delay(LOAD_MS);
  await page.screenshot({ path: join(import.meta.dirname, "../docs/guide/console.png") });
}

async function takeAll(of: Browser, to: string): Promise<void> {
  await prepareAll();
  await delay(LOAD_MS);
  for (const colorScheme of ["light", "dark"] as const) {
    for (const [width, height] of [
      [1280, 800],
      [390, 844],
    ] as const) {
      const page = await of.newPage({ viewport: { width, height }, colorScheme });
      for (const [name, path, clicked] of screens) {
        await page.goto(`${lever.origin}/-/console/${path}`);
        await page.locator("main:not(:has([aria-busy=true]))").waitFor();
        if (clicked !== undefined) await page.locator(clicked).first().click();
        // Lists and charts come with the next replies.
        await page.waitForTimeout(1_500);
        await page.screenshot({ path: join(to, `${name}-${colorScheme}-${width}.png`) });
      }
      await page.close();
    }
  }
}

/** What only some screens show: two versions, resources, variables, a service that fails. */
async function prepareAll(): Promise<void> {
  const admin = client.service("admin.lever", "admin");
  await admin.invoke("createEnvironment", "empty.lever");
  await admin.invoke("addRoute", "dev.lever", "shop.example", "shop");
  await admin.invoke("addRoute", "dev.lever", "*.apps.example", null);
  await admin.invoke("setVariable", "dev.lever", "", "LOG_LEVEL", "debug");
  await admin.invoke("setVariable", "dev.lever", "pay", "STRIPE_KEY", "sk_live", { secret: true });
  for (const [name, code] of Object.entries(furtherServices)) {
    await deployService(lever, testService(code, { name }));
  }
  for (let time = 0; time < 3; time++) await call("broken", "go").catch(() => {});
  const second = (services["pay"] ?? "").replace("card refused", "the card was refused");
  await deployService(
    lever,
    testService(`${second}\nexports.refund = (id) => id;`, { name: "pay" }),
  );
  for (let cart = 0; cart < 30; cart++) {
    await client.resource("dev.lever", "cart", `cart-${cart}`).invoke("add", "tea");
  }
}
