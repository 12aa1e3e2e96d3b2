import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defaultLimits, type LogFilter, type LogRecord } from "@leveros/protocol";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { LogBook, type RecordContent } from "./log-book.ts";

let dir: string;
let clock: VirtualClock;
let events: string[];

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), "lever-logs-"));
  clock = new VirtualClock();
  events = [];
});
afterEach(() => rmSync(dir, { recursive: true }));

const openBook = (options: Partial<ConstructorParameters<typeof LogBook>[0]> = {}): LogBook =>
  new LogBook({
    dir,
    clock,
    limits: defaultLimits,
    log: (_level, _part, event) => void events.push(event),
    ...options,
  });

const originOf = (service: string): Parameters<LogBook["add"]>[0] => ({
  environment: "dev.lever",
  service,
  version: 3,
  instance: `${service}-3-a`,
});
const info = (text: string): RecordContent => ({ level: "info", text });
const textsOf = (records: readonly LogRecord[]): string[] => records.map(({ text }) => text);
const find = async (book: LogBook, filter: LogFilter = {}): Promise<string[]> =>
  textsOf((await book.find("dev.lever", filter)).records);

describe("the logs of services", () => {
  it("are found as soon as they are added, oldest first", async () => {
    const book = openBook();
    for (let i = 0; i < 3; i++) book.add(originOf(`svc${i % 2}`), info(`record ${i}`));
    expect(await find(book)).toEqual(["record 0", "record 1", "record 2"]);
    expect(await find(book, { service: "svc1" })).toEqual(["record 1"]);
  });

  it("have all fields of a record", async () => {
    const book = openBook();
    const content = { text: "a\nb", call: "k7-1", stream: "stderr", level: "warn" } as const;
    book.add(originOf("svc"), content);
    const { records } = await book.find("dev.lever", {});
    expect(records).toEqual([{ at: "2026-01-01T00:00:00.000Z", ...originOf("svc"), ...content }]);
  });

  it("are there for the next host, whose records follow them", async () => {
    const first = openBook();
    first.add(originOf("svc"), info("before"));
    await first.close();
    const second = openBook();
    clock.advance(1_000);
    second.add(originOf("svc"), info("after"));
    expect(await find(second)).toEqual(["before", "after"]);
  });

  it("lose only the line that a killed host has not finished", async () => {
    const first = openBook();
    for (const text of ["one", "two"]) first.add(originOf("svc"), info(text));
    await first.close();
    const [name = ""] = readdirSync(join(dir, "dev.lever/svc"));
    const file = join(dir, "dev.lever/svc", name);
    truncateSync(file, readFileSync(file).length - 5);
    const second = openBook();
    second.add(originOf("svc"), info("three"));
    expect(await find(second)).toEqual(["one", "three"]);
  });

  it.each<[LogFilter, string[]]>([
    [{ level: "warn" }, ["warn 3", "error 4"]],
    [{ grep: "r 4" }, ["error 4"]],
    [{ call: "call-2" }, ["info 2"]],
    [{ instance: "svc-3-a", max: 2 }, ["warn 3", "error 4"]],
    [{ version: 4 }, []],
    [{ since: "2026-01-01T00:00:03Z" }, ["warn 3", "error 4"]],
    [{ until: "2026-01-01T00:00:02Z" }, ["debug 1"]],
    [{ service: "nobody" }, []],
  ])("are filtered by %j", async (filter, texts) => {
    const book = openBook();
    for (const [index, level] of (["debug", "info", "warn", "error"] as const).entries()) {
      clock.advance(1_000);
      const number = index + 1;
      book.add(originOf("svc"), { level, text: `${level} ${number}`, call: `call-${number}` });
    }
    expect(await find(book, filter)).toEqual(texts);
  });

  it("come in pages that leave nothing out, also of records of one moment", async () => {
    const book = openBook();
    const all = Array.from({ length: 25 }, (_, i) => `record ${i}`);
    for (const [i, text] of all.entries()) book.add(originOf(`svc${i % 3}`), info(text));
    const found: string[] = [];
    let before: number | undefined;
    do {
      const page = await book.find("dev.lever", {
        max: 7,
        ...(before !== undefined && { before }),
      });
      found.unshift(...textsOf(page.records));
      before = page.next;
    } while (before !== undefined);
    expect(found).toEqual(all);
  });

  it("come in pages that fit into a reply", async () => {
    const book = openBook();
    for (let i = 0; i < 300; i++) book.add(originOf("svc"), info(`${i} ${"x".repeat(10_000)}`));
    const page = await book.find("dev.lever", { max: 1_000 });
    expect(page.records.length).toBeLessThan(250);
    expect(page.records.at(-1)?.text).toMatch(/^299 /);
    expect(page.next).toBeDefined();
  });

  it("are not found in another environment", async () => {
    const book = openBook();
    book.add({ ...originOf("svc"), environment: "other.lever" }, info("other"));
    expect(await find(book)).toEqual([]);
  });

  it("have at most four files, of which the oldest is removed", async () => {
    const book = openBook({ limits: { ...defaultLimits, logBytesPerServiceMax: 4_000 } });
    for (let i = 0; i < 100; i++) {
      clock.advance(1_000);
      book.add(originOf("svc"), info(`record ${i} ${"x".repeat(100)}`));
      await book.flush();
    }
    expect(readdirSync(join(dir, "dev.lever/svc"))).toHaveLength(4);
    const texts = await find(book);
    expect(texts.at(-1)).toMatch(/^record 99 /);
    expect(texts.length).toBeLessThan(40);
  });

  it("are removed with their environment", async () => {
    const book = openBook();
    book.add(originOf("svc"), info("gone"));
    await book.remove("dev.lever");
    expect(await find(book)).toEqual([]);
  });

  it("above the rate of the host are one record with their numbers", async () => {
    const book = openBook({ limits: { ...defaultLimits, logBytesPerSecondMax: 1_000 } });
    for (let i = 0; i < 100; i++) book.add(originOf("svc"), info(`record ${i}`));
    clock.advance(60_000);
    book.add(originOf("svc"), info("later"));
    const { records } = await book.find("dev.lever", {});
    const kept = records.filter(({ dropped }) => dropped === undefined);
    expect(records.at(-2)?.dropped?.records).toBe(100 - (kept.length - 1));
    expect(records.at(-1)?.text).toBe("later");
  });

  it("stop with one event while the disk is full, and go on with the number of lost records", async () => {
    let isFull = true;
    const book = openBook({
      append: async () => {
        if (isFull) throw Object.assign(new Error("no space"), { code: "ENOSPC", errno: -28 });
      },
    });
    for (let i = 0; i < 3; i++) {
      book.add(originOf("svc"), info(`lost ${i}`));
      await book.flush();
    }
    expect(events).toEqual(["service logs stopped"]);
    isFull = false;
    clock.advance(30_000);
    book.add(originOf("svc"), info("kept"));
    await book.flush();
    expect(events).toEqual(["service logs stopped", "service logs resumed"]);
  });
});

describe("a follower of the logs", () => {
  it("gets each record once: from the files, or when it is added", async () => {
    const book = openBook();
    const followed: string[] = [];
    book.add(originOf("svc"), info("before"));
    const watch = book.watch("dev.lever", {}, ({ text }) => followed.push(text));
    book.add(originOf("svc"), info("after"));
    expect(await find(book, { before: watch.before })).toEqual(["before"]);
    expect(followed).toEqual(["after"]);
    watch.stop();
    book.add(originOf("svc"), info("later"));
    expect(followed).toEqual(["after"]);
  });

  it("gets only records that its filter lets through", () => {
    const book = openBook();
    const followed: string[] = [];
    book.watch("dev.lever", { service: "svc", level: "warn" }, ({ text }) => followed.push(text));
    book.add(originOf("svc"), { level: "error", text: "yes" });
    book.add(originOf("svc"), info("no"));
    book.add(originOf("other"), { level: "error", text: "no" });
    book.add({ ...originOf("svc"), environment: "b.lever" }, { level: "error", text: "no" });
    expect(followed).toEqual(["yes"]);
  });
});
