import { Client } from "leveros";
import type { Browser, Page } from "playwright-core";
import { launchBrowser } from "../../tests/harness/browser.ts";
import { MANY, manyName, putManyServices } from "../../tests/harness/many-services.ts";
import { makeTemporaryFolder } from "../../tests/harness/temporary-folder.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atLeast, atMost, type Figure, measured } from "../figure.ts";
import { type BenchRun, type Scenario, startHost } from "../scenario.ts";

const FIRST_LOAD_BYTES = 80_000;
const FIRST_PAINT_MS = 1_000;
const NODES = 400;
const BUSY_PART = 0.3;
const FRAMES_PER_SECOND = 30;

/** Services that are called while the page is looked at, and prints of one of them each second. */
const CALLED = 20;
const CALLS_PER_SECOND = 40;
const PRINTS_PER_SECOND = 500;
const PRINTS_PER_CALL = 50;

const printer = `exports.print = (count) => { for (let i = 0; i < count; i++) console.log("order " + i + " was paid"); };`;

/** The console as people see it, in Debian's Chromium without a graphics card. */
export const consoleScenario: Scenario = {
  name: "console",
  about: "the console in a browser, with many services, calls and logs",
  async run(run): Promise<readonly Figure[]> {
    await using folder = await makeTemporaryFolder();
    await putManyServices(folder.path, run.services);
    await using lever = await startHost({}, { dataDir: folder.path });
    await deployService(lever, testService(printer, { name: "printer" }));
    await using load = startLoad(lever.address, run.services);
    const browser = await launchBrowser();
    try {
      const list = `${lever.origin}/-/console/?env=${MANY}&sort=service&order=up`;
      const loads = await loadPage(browser, list, run.rounds);
      const page = await openPage(browser, list);
      const nodes = await page.locator("table.rows *").count();
      const ofList = await busyPart(page, run);
      const frames = await scrollFrames(page, run.seconds);
      await page.goto(`${lever.origin}/-/console/logs`);
      await page.getByText("was paid").first().waitFor();
      const ofLogs = await busyPart(page, run);
      return [
        atMost("first load, bytes", loads.bytes, FIRST_LOAD_BYTES),
        atMost("first paint, ms", loads.paints, FIRST_PAINT_MS),
        atMost("elements of the list of services", nodes, NODES),
        atMost("main thread busy, list of services", ofList, BUSY_PART),
        atMost(`main thread busy, ${PRINTS_PER_SECOND} records/s`, ofLogs, BUSY_PART),
        atLeast("frames/s while the list scrolls", frames.perSecond, FRAMES_PER_SECOND),
        measured("longest frame while the list scrolls, ms", frames.longestMs),
        measured("calls and prints meanwhile", load.made()),
      ];
    } finally {
      await browser.close();
    }
  },
};

/** Calls services at a steady rate until it is disposed of. */
function startLoad(address: string, services: number): AsyncDisposable & { made(): number } {
  const client = new Client({ forceHost: address });
  let made = 0;
  const timers = [
    setInterval(() => {
      const service = manyName(Math.floor(Math.random() * Math.min(CALLED, services)));
      // Their code is missing: the call fails, and is counted.
      void client
        .service(MANY, service)
        .invoke("work")
        .catch(() => {});
      made++;
    }, 1_000 / CALLS_PER_SECOND),
    setInterval(
      () => {
        void client
          .service("dev.lever", "printer")
          .invoke("print", PRINTS_PER_CALL)
          .catch(() => {});
        made++;
      },
      1_000 / (PRINTS_PER_SECOND / PRINTS_PER_CALL),
    ),
  ];
  return {
    made: () => made,
    async [Symbol.asyncDispose]() {
      for (const timer of timers) clearInterval(timer);
    },
  };
}

async function openPage(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(address);
  await page.getByText(manyName(0), { exact: true }).first().waitFor();
  return page;
}

/** Loads the page in new contexts, which have nothing of it stored. */
async function loadPage(
  browser: Browser,
  address: string,
  rounds: number,
): Promise<{ readonly bytes: number; readonly paints: readonly number[] }> {
  const paints: number[] = [];
  let bytes = 0;
  for (let round = 0; round < rounds; round++) {
    const page = await openPage(browser, address);
    const found = (await page.evaluate(`({
      paint: performance.getEntriesByName("first-contentful-paint")[0].startTime,
      bytes: performance.getEntriesByType("navigation").concat(performance.getEntriesByType("resource"))
        .filter(({ initiatorType }) => initiatorType !== "fetch")
        .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0),
    })`)) as { readonly paint: number; readonly bytes: number };
    paints.push(found.paint);
    bytes = Math.max(bytes, found.bytes);
    await page.close();
  }
  return { bytes, paints };
}

/** The part of the time in which the page's main thread has work, round by round. */
async function busyPart(page: Page, run: BenchRun): Promise<readonly number[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Performance.enable");
  const read = async (): Promise<{ readonly work: number; readonly at: number }> => {
    const { metrics } = await session.send("Performance.getMetrics");
    const of = (wanted: string): number => metrics.find(({ name }) => name === wanted)?.value ?? 0;
    return { work: of("TaskDuration"), at: of("Timestamp") };
  };
  const parts: number[] = [];
  for (let round = 0; round < run.rounds; round++) {
    const before = await read();
    await page.waitForTimeout(run.seconds * 1_000);
    const after = await read();
    parts.push((after.work - before.work) / (after.at - before.at));
  }
  await session.detach();
  return parts;
}

/** Scrolls through the list, a part of it with each frame. */
async function scrollFrames(
  page: Page,
  seconds: number,
): Promise<{ readonly perSecond: number; readonly longestMs: number }> {
  return (await page.evaluate(`new Promise((resolve) => {
    const main = document.getElementById("main");
    const start = performance.now();
    const times = [start];
    const next = (now) => {
      times.push(now);
      main.scrollTop = (main.scrollTop + 90) % (main.scrollHeight - main.clientHeight);
      if (now - start < ${seconds * 1_000}) requestAnimationFrame(next);
      else {
        const gaps = times.slice(1).map((time, index) => time - times[index]);
        resolve({ perSecond: gaps.length / ((now - start) / 1_000), longestMs: Math.max(...gaps) });
      }
    };
    requestAnimationFrame(next);
  })`)) as { readonly perSecond: number; readonly longestMs: number };
}
