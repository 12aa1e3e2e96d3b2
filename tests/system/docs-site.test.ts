// @module-tag needs-chromium
/** The documentation as a site, opened from its files. */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, expect, it } from "vitest";
import { buildSite } from "../../scripts/docs-site/build-site.ts";
import { launchBrowser } from "../harness/browser.ts";
import { makeTemporaryFolder, type TemporaryFolder } from "../harness/temporary-folder.ts";

let folder: TemporaryFolder;
let pages: Awaited<ReturnType<typeof buildSite>>;
let browser: Browser;
let page: Page;
/** Errors of the pages, and what they wanted from elsewhere. */
const faults: string[] = [];

const open = (file: string) =>
  page.goto(pathToFileURL(join(folder.path, file)).href, { waitUntil: "domcontentloaded" });

beforeAll(async () => {
  folder = await makeTemporaryFolder();
  pages = await buildSite(folder.path);
  browser = await launchBrowser();
  page = await browser.newPage();
  page.on("console", (message) => faults.push(message.text()));
  page.on("pageerror", (error) => faults.push(error.message));
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith("file:") && !url.startsWith("data:")) faults.push(url);
  });
}, 60_000);

afterAll(async () => {
  await browser?.close();
  await folder?.[Symbol.asyncDispose]();
});

it("no link is dead", async () => {
  const anchors = new Map<string, ReadonlySet<string>>();
  const links = new Set<string>();
  for (const { file } of pages) {
    const html = await readFile(join(folder.path, file), "utf8");
    const values = (of: RegExp) => [...html.matchAll(of)].map(([, value = ""]) => value);
    anchors.set(file, new Set(values(/ id="([^"]+)"/g)));
    for (const href of values(/<a href="([^"]+)"/g)) {
      links.add(href.startsWith("#") ? `${file}${href}` : href);
    }
  }
  const isDead = (link: string): boolean => {
    if (/^https?:/.test(link)) return false;
    const [file = "", anchor] = link.split("#");
    const ids = anchors.get(file);
    return ids === undefined || (anchor !== undefined && !ids.has(anchor));
  };
  expect([...links].filter(isDead)).toEqual([]);
  expect(links.size).toBeGreaterThan(pages.length);
});

it.each(["index.html", "services.html", "reference-limits.html", "decisions-index.html"])(
  "%s opens with its pictures, without an error or a foreign request",
  async (file) => {
    await open(file);
    await page.waitForFunction("[...document.images].every((picture) => picture.naturalWidth > 0)");
    expect(await page.textContent("nav a[aria-current]")).toBe(await page.textContent("h1"));
    expect(faults).toEqual([]);
  },
);

it("a reader goes from the first page to the last by links to the next", async () => {
  const read: string[] = [];
  for (let file: string | undefined = "index.html"; file !== undefined; ) {
    read.push(file);
    const html: string = await readFile(join(folder.path, file), "utf8");
    file = /<a rel="next" href="([^"]+)"/.exec(html)?.[1];
  }
  await open("index.html");
  const listed = await page.$$eval("nav details a", (of) =>
    of.map((it) => it.getAttribute("href")),
  );
  expect(read).toEqual(listed);
});

it("the search finds every page by its title, and a part by its words", async () => {
  await open("index.html");
  await page.fill("#search", "lever");
  await page.waitForSelector("#results a");
  for (const { title, file } of pages) {
    await page.fill("#search", title);
    const found = await page.$$eval("#results a", (of) =>
      of.map((link) => link.getAttribute("href")),
    );
    expect(
      found.map((href) => href?.split("#")[0]),
      title,
    ).toContain(file);
  }
  await page.fill("#search", "resourceHookTimeoutMs");
  await page.press("#search", "Enter");
  await page.waitForURL((url) => !url.pathname.endsWith("/index.html"));
  expect(await page.textContent("main")).toContain("resourceHookTimeoutMs");
}, 60_000);
