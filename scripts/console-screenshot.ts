/**
 * Makes the picture of the console for the docs: a host with services that call one another, under load for a minute, in
 * Debian's Chromium (npm run console-screenshot).
 */
import { join } from "node:path";
import { Client } from "leveros";
import { launchBrowser } from "../tests/harness/browser.ts";
import { startLever } from "../tests/harness/lever.ts";
import { deployService, testService } from "../tests/harness/test-service.ts";

const CALLERS = 3;
const LOAD_MS = 40_000;

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
  mail: `exports.send = () => {};`,
  "exchange-rates": `exports.of = () => 1;`,
  "nightly-report": `exports.make = () => {};`,
};

await using lever = await startLever();
for (const [name, code] of Object.entries(services)) {
  await deployService(lever, testService(code, { name }));
}
const client = new Client({ forceHost: lever.address });
const end = performance.now() + LOAD_MS;
let orders = 0;

async function keepCalling(make: () => Promise<unknown>, pauseMs: number): Promise<void> {
  while (performance.now() < end) {
    await make().catch(() => {});
    await new Promise((resolve) => setTimeout(resolve, pauseMs * (0.5 + Math.random())));
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
const page = await browser.newPage({
  viewport: { width: 1180, height: 720 },
  deviceScaleFactor: 2,
  colorScheme: "light",
});
await page.goto(`${lever.origin}/-/console/`);
await Promise.all(load);
await page.screenshot({ path: join(import.meta.dirname, "../docs/guide/console.png") });
await browser.close();
