import type { PreloadedModule } from "@leveros/protocol";

/** The parts of `NODE_OPTIONS` for an instance. */
export interface NodeOptions {
  /** Options for its process, from the start. */
  readonly processOptions: string;
  /** Modules of the code that it loads before the service. */
  readonly preload: readonly PreloadedModule[];
}

/** Options without a value that change neither the fence of an instance nor what Lever itself sets. */
const FLAGS = new Set(
  [
    "--enable-source-maps --expose-gc --insecure-http-parser --preserve-symlinks --throw-deprecation",
    "--trace-deprecation --trace-exit --trace-tls --trace-uncaught --trace-warnings",
    "--deprecation --network-family-autoselection --pending-deprecation --warnings",
    "--no-deprecation --no-network-family-autoselection --no-pending-deprecation --no-warnings",
    "--tls-max-v1.2 --tls-max-v1.3 --tls-min-v1.0 --tls-min-v1.1 --tls-min-v1.2 --tls-min-v1.3",
    "--use-bundled-ca --use-env-proxy --use-openssl-ca --use-system-ca",
    "--experimental-eventsource --experimental-import-meta-resolve --experimental-vm-modules",
    "--experimental-wasm-modules",
  ].flatMap((line) => line.split(" ")),
);
/** Options with a value. */
const VALUED = new Set(
  [
    "--conditions --disable-warning --dns-result-order --max-http-header-size",
    "--network-family-autoselection-attempt-timeout --stack-trace-limit --tls-cipher-list",
    "--unhandled-rejections",
  ].flatMap((line) => line.split(" ")),
);
const PRELOADING = new Set(["--import", "--require"]);
const SHORT: Readonly<Record<string, string>> = { "-C": "--conditions", "-r": "--require" };

const REFUSED: readonly (readonly [RegExp, reason: string])[] = [
  [/^--(permission|allow-)/, "Lever itself sets what an instance may do"],
  [
    /^--(max-old-space-size|max-semi-space-size|max-heap-size)/,
    'the sizes of the heap follow from "ram" in lever.json',
  ],
  [/^--inspect/, "it lets everyone who reaches the debugger's port run code in the instance"],
];

/** Parses a value of `NODE_OPTIONS`. Returns a sentence's end that says why when it is not allowed. */
export function parseNodeOptions(value: string): NodeOptions | { readonly refused: string } {
  const words = splitWords(value);
  if (words === undefined) return { refused: 'a " has no end in it' };
  const kept: string[] = [];
  const preload: PreloadedModule[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? "";
    const [, given = "", inline] = /^([^=]*)(?:=(.*))?$/s.exec(word) ?? [];
    const name = SHORT[given] ?? given.replaceAll("_", "-");
    if (!process.allowedNodeEnvironmentFlags.has(name)) {
      return { refused: `${given} is no option that Node allows there` };
    }
    if (FLAGS.has(name) && inline === undefined) {
      kept.push(name);
      continue;
    }
    if (!VALUED.has(name) && !PRELOADING.has(name)) return { refused: reasonFor(name) };
    const argument = inline ?? words[++index];
    if (argument === undefined || argument === "") return { refused: `${name} has no value` };
    if (VALUED.has(name)) {
      kept.push(`${name}=${argument}`);
      continue;
    }
    if (!isInCode(argument)) {
      return {
        refused: `${name} names ${argument}, which is outside of the code; allowed are paths in it, such as ./trace.js, and names of packages`,
      };
    }
    preload.push({ by: name === "--import" ? "import" : "require", module: argument });
  }
  // Node loads all of --require first.
  preload.sort((a, b) => Number(a.by === "import") - Number(b.by === "import"));
  return { processOptions: kept.map(quote).join(" "), preload };
}

function reasonFor(name: string): string {
  const known = REFUSED.find(([pattern]) => pattern.test(name));
  if (known !== undefined) return `${name} is not allowed: ${known[1]}`;
  const allowed = [...FLAGS, ...VALUED, ...PRELOADING].join(", ");
  return `${name} is not allowed for an instance; allowed are ${allowed}`;
}

/** Words as Node splits them: at spaces, but not within quotes, where a backslash makes the next character plain. */
function splitWords(text: string): string[] | undefined {
  const words: string[] = [];
  let word: string | undefined;
  let isQuoted = false;
  for (let index = 0; index < text.length; index++) {
    let character = text[index] ?? "";
    if (character === '"') {
      isQuoted = !isQuoted;
      word ??= "";
      continue;
    }
    if (character === " " && !isQuoted) {
      if (word !== undefined) words.push(word);
      word = undefined;
      continue;
    }
    if (character === "\\" && isQuoted) character = text[++index] ?? "";
    word = (word ?? "") + character;
  }
  if (isQuoted) return undefined;
  return word === undefined ? words : [...words, word];
}

function quote(word: string): string {
  return /[ "\\]/.test(word) ? `"${word.replaceAll(/["\\]/g, "\\$&")}"` : word;
}

/** A relative path that stays below the folder, or the name of a package. */
function isInCode(module: string): boolean {
  return !/^[/\\]|^[A-Za-z][A-Za-z0-9+.-]*:|(^|[/\\])\.\.([/\\]|$)/.test(module);
}
