import { setTimeout as delay } from "node:timers/promises";
import { startDev } from "../../tests/harness/dev.ts";
import { Caller, keepCalling, median, quantile } from "../../tests/harness/load.ts";
import { makeTemporaryFolder } from "../../tests/harness/temporary-folder.ts";
import { atMost, type Figure, measured } from "../figure.ts";
import type { Scenario } from "../scenario.ts";

const CALLERS = 2;
/** A person does not save faster. */
const BETWEEN_SAVES_MS = 300;
const SERVICES = { javascript: "server.js", typescript: "server.ts" } as const;
type Language = keyof typeof SERVICES;

const sourceOf: Readonly<Record<Language, (save: number) => string>> = {
  javascript: (save) => `exports.which = () => ${save};\n`,
  typescript: (save) =>
    `import { other } from "./other.ts";\nenum Save { Now = ${save} }\nexport const which = (): number => Save.Now + other;\n`,
};

/** Saves the module of each service by turns, and times the first answer of its new code. */
async function measureSaves(saves: number): Promise<readonly Figure[]> {
  await using folder = await makeTemporaryFolder();
  for (const [name, jsEntry] of Object.entries(SERVICES)) {
    await folder.put({ [`${name}/lever.json`]: { name, jsEntry } });
  }
  await folder.put({
    "javascript/server.js": sourceOf.javascript(0),
    "typescript/server.ts": sourceOf.typescript(0),
    "typescript/other.ts": "export const other: number = 0;\n",
    "typescript/package.json": { type: "module" },
  });
  await using dev = await startDev(folder.path);
  using caller = new Caller(dev.address);
  const languages = ["javascript", "typescript"] as const;
  for (const language of languages) await untilAnswer(caller, language, 0);
  let calls = 0;
  let failed = 0;
  const load = keepCalling(
    CALLERS,
    (number) => caller.call(`/${languages[number % languages.length]}/which`),
    ({ status }) => {
      calls++;
      if (status !== 200) failed++;
    },
  );
  const times: Record<Language, number[]> = { javascript: [], typescript: [] };
  for (let save = 1; save <= saves; save++) {
    for (const language of languages) {
      await delay(BETWEEN_SAVES_MS);
      const startedAt = performance.now();
      await folder.put({ [`${language}/${SERVICES[language]}`]: sourceOf[language](save) });
      await untilAnswer(caller, language, save);
      times[language].push(performance.now() - startedAt);
    }
  }
  await load.stop();
  return [
    measured("saves of each service", saves),
    ...languages.flatMap((language): Figure[] => [
      atMost(`${language}: ms from the save to the first answer`, median(times[language]), 100),
      atMost(`${language}: ms, p99`, quantile(times[language], 0.99), 300),
    ]),
    measured("calls meanwhile", calls),
    atMost("failed calls", failed, 0),
  ];
}

async function untilAnswer(caller: Caller, language: Language, wanted: number): Promise<void> {
  for (;;) {
    const { status, text } = await caller.call(`/${language}/which`);
    if (status === 200 && text.trim() === String(wanted)) return;
    // Before the first deploy there is no service.
    await delay(1);
  }
}

export const devSaves: Scenario = {
  name: "dev-saves",
  group: "off-path",
  about: `lever dev: the time from a save to the first answer of the new code, with ${CALLERS} callers in a loop`,
  run: () => measureSaves(50),
};
