import { Caller, median } from "../../tests/harness/load.ts";
import { deployService, testService } from "../../tests/harness/test-service.ts";
import { atMost, type Figure, measured, ratios } from "../figure.ts";
import { proportionalBytes } from "../process-figures.ts";
import { type Scenario, startHost, untilInstances } from "../scenario.ts";

const INSTANCES = 10;
const COLD_CALLS = 20;

/** The same service in both languages, and in the same module format. */
const services = {
  javascript: {
    "server.js": `const Greeting = { Hello: "Hello" };
exports.sayHello = (name) => Greeting.Hello + ", " + name + "!";`,
  },
  typescript: {
    "server.ts": `enum Greeting { Hello = "Hello" }
interface Person { name: string }
export const sayHello = (name: Person["name"]): string => Greeting.Hello + ", " + name + "!";`,
    "tsconfig.json": '{ "compilerOptions": { "module": "commonjs" } }',
  },
} as const;
type Language = keyof typeof services;
const languages: readonly Language[] = ["javascript", "typescript"];

function archiveOf(language: Language, minInstances = 0): Buffer {
  const jsEntry = language === "typescript" ? "server.ts" : "server.js";
  return testService(services[language], { name: language, jsEntry, minInstances });
}

type Isolation = "process" | "oci";

export const typescript: Scenario = {
  name: "typescript",
  about:
    "what an idle instance and a cold call of a TypeScript service cost, beside the same service in JavaScript",
  async run(run): Promise<readonly Figure[]> {
    const series = new Map<string, number[]>();
    const absent = new Map<Isolation, string>();
    for (let round = 0; round < run.rounds; round++) {
      run.calibrate();
      for (const isolation of ["process", "oci"] as const) {
        if (absent.has(isolation)) continue;
        try {
          for (const [name, values] of await measureLanguages(isolation)) {
            series.set(name, [...(series.get(name) ?? []), median(values)]);
          }
        } catch (error) {
          if (isolation === "process") throw error;
          absent.set(isolation, String(error).split("\n")[0] ?? "");
        }
      }
    }
    return (["process", "oci"] as const).flatMap((isolation): Figure[] => {
      const reason = absent.get(isolation);
      if (reason !== undefined)
        return [{ name: `Lever, ${isolation} could not run`, value: reason }];
      return figuresOf(isolation, (name) => series.get(`${isolation} ${name}`) ?? []);
    });
  },
};

function figuresOf(isolation: Isolation, of: (name: string) => number[]): Figure[] {
  const memory = (language: Language): number[] => of(`${language} bytes`);
  const cold = (language: Language): number[] => of(`${language} ms`);
  return [
    ...languages.flatMap((language) => [
      measured(
        `idle instance of ${language} (${isolation}), MB`,
        memory(language).map((bytes) => bytes / 1e6),
      ),
      measured(`cold call of ${language} (${isolation}), median, ms`, cold(language)),
      measured(`deploy of ${language} (${isolation}), median, ms`, of(`${language} deploy`)),
    ]),
    atMost(
      `idle memory, TypeScript / JavaScript (${isolation})`,
      ratios(memory("typescript"), memory("javascript")),
      1.1,
    ),
    atMost(
      `cold call, TypeScript / JavaScript (${isolation})`,
      ratios(cold("typescript"), cold("javascript")),
      1.2,
    ),
  ];
}

/** Both languages on one host, taking turns. */
async function measureLanguages(isolation: Isolation): Promise<Map<string, number[]>> {
  const series = new Map<string, number[]>();
  const note = (name: string, value: number): void => {
    const key = `${isolation} ${name}`;
    series.set(key, [...(series.get(key) ?? []), value]);
  };
  await using lever = await startHost({ idleTimeoutMs: 80, scaleDownAfterMs: 80 }, { isolation });
  using caller = new Caller(lever.address);
  for (const language of languages) {
    const startedAt = performance.now();
    await deployService(lever, archiveOf(language));
    note(`${language} deploy`, performance.now() - startedAt);
  }
  for (let i = 0; i < COLD_CALLS; i++) {
    for (const language of languages) {
      await untilInstances(
        lever,
        undefined,
        ({ instances, host }) => instances.length === 0 && host.warmReady >= host.warmWanted,
      );
      const { status, text, ms } = await caller.call(`/${language}/sayHello`, [i]);
      if (status !== 200 || text !== `"Hello, ${i}!"`) throw new Error(`Wrong answer: ${text}`);
      note(`${language} ms`, ms);
    }
  }
  for (const [name, bytes] of await idleBytes(isolation)) note(`${name} bytes`, bytes);
  return series;
}

/** The median memory of instances of both languages, at the same time: what they share is divided among all. */
async function idleBytes(isolation: Isolation): Promise<Map<Language, number>> {
  await using lever = await startHost({ warmRuntimesMax: 0 }, { isolation });
  using caller = new Caller(lever.address);
  const found = new Map<Language, number>();
  const pids = new Map<Language, readonly number[]>();
  for (const language of languages) {
    const { instances } = await startInstances(language);
    pids.set(
      language,
      instances.map(({ pid }) => pid),
    );
    // They take turns.
    for (let i = 0; i < INSTANCES; i++) await caller.call(`/${language}/sayHello`, ["x"]);
  }
  for (const [language, own] of pids) found.set(language, median(own.map(proportionalBytes)));
  return found;

  async function startInstances(language: Language): ReturnType<typeof untilInstances> {
    await deployService(lever, archiveOf(language, INSTANCES));
    return await untilInstances(
      lever,
      language,
      ({ instances }) => instances.filter(({ state }) => state === "ready").length === INSTANCES,
    );
  }
}
