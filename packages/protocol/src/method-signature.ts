import { isStreamingName } from "./method-name.ts";

/** A method, as far as the source of its service shows it. */
export interface MethodSignature {
  /** Its arguments as they are written: `name: string`. Without its stream, its resource and a callback. */
  readonly parameters: readonly string[];
  /** JSON texts of values for those that are required; undefined = for one of them, no plain value fits. */
  readonly args: readonly string[] | undefined;
  /** The service has resources, and the method is called with one. */
  readonly hasResource: boolean;
}

/**
 * Finds the definition of a method in a source, JavaScript or TypeScript. It is a look, not a parser: undefined = it finds none.
 * Its time grows with the square of the source's length at worst, so do not use it on a host.
 */
export function methodSignature(source: string, method: string): MethodSignature | undefined {
  const all = parametersOf(source, method);
  if (all === undefined) return undefined;
  // Such a service expects a resource as the first argument of each method.
  const hasResource = /\b[nN]ewResource\b/.test(source);
  const own = all.slice((isStreamingName(method) ? 1 : 0) + (hasResource ? 1 : 0));
  const parameters = isCallback(own.at(-1)) ? own.slice(0, -1) : own;
  return { parameters, args: argumentsFor(parameters, source), hasResource };
}

/** The parameters in the definition of a function; undefined = it is not found. */
function parametersOf(source: string, name: string): readonly string[] | undefined {
  const start = new RegExp(
    `(?<![\\w$])${name.replaceAll(/\W/g, "\\$&")}(?:\\s*[=:]\\s*(?:async\\b\\s*)?(?:function\\b\\s*\\w*\\s*)?|\\s*)\\(`,
    "g",
  );
  for (const { 0: text, index } of source.matchAll(start)) {
    const list = balanced(source, index + text.length - 1);
    // Otherwise it is a call.
    const isDefinition = /^\s*(?:=>|\{|:)/.test(
      source.slice(index + text.length + list.length + 1),
    );
    if (isDefinition) return splitAtTop(list, ",");
  }
  return undefined;
}

const TYPES_DEPTH_MAX = 4;
const CALLBACK = /^_?(?:callback|cb|done|next|reply|respond)$|Callback$|Cb$/;

function isCallback(parameter: string | undefined): boolean {
  const [name = ""] = splitAtTop(parameter ?? "", ":");
  return CALLBACK.test(name);
}

function argumentsFor(parameters: readonly string[], source: string): string[] | undefined {
  const args: string[] = [];
  for (const parameter of parameters) {
    const [name = "", type] = splitAtTop(parameter, ":");
    if (isOptional(parameter)) break;
    const value =
      type === undefined
        ? valueByName(name)
        : valueOfType(type, name, { text: source, depth: TYPES_DEPTH_MAX });
    if (value === undefined) return undefined;
    args.push(JSON.stringify(value));
  }
  return args;
}

function isOptional(parameter: string): boolean {
  const [name = ""] = splitAtTop(parameter, ":");
  return parameter.startsWith("...") || name.endsWith("?") || splitAtTop(parameter, "=").length > 1;
}

const NUMBER = /^(?:n|x|y|i|count|number|amount|size|index|limit|max|min|ms)$|(?:Count|Number|Ms)$/;

/** A value for a parameter without a type. */
function valueByName(name: string): unknown {
  if (name.startsWith("[")) return [];
  if (!name.startsWith("{")) return NUMBER.test(name) ? 1 : name;
  const fields = splitAtTop(name.slice(1, -1), ",").filter((field) => !isOptional(field));
  return Object.fromEntries(fields.map((field) => [field.split(":")[0]?.trim(), field]));
}

/** The source, and how many types inside of types may follow: a type may have itself as a part. */
interface Source {
  readonly text: string;
  readonly depth: number;
}

/** A value of a type; undefined = the type is not one of the simple ones. */
function valueOfType(type: string, name: string, source: Source): unknown {
  if (source.depth === 0) return undefined;
  const plain = type.replace(/^readonly\s+/, "");
  if (/^(?:string|unknown|any)$/.test(plain)) return name;
  if (plain === "number") return 1;
  if (plain === "boolean") return true;
  if (/\[\]$|^(?:Readonly)?Array</.test(plain)) return [];
  const [, literal] = /^"([^"]*)"/.exec(plain) ?? [];
  if (literal !== undefined) return literal;
  if (plain.startsWith("{")) return objectOf(plain.slice(1, -1), source);
  if (!/^\w+$/.test(plain)) return undefined;
  const declared = new RegExp(`\\b(?:interface\\s+${plain}|type\\s+${plain}\\s*=)\\s*\\{`).exec(
    source.text,
  );
  if (declared === null) return undefined;
  return objectOf(balanced(source.text, declared.index + declared[0].length - 1), source);
}

/** An object with the required fields of a type. */
function objectOf(body: string, { text, depth }: Source): unknown {
  const source = { text, depth: depth - 1 };
  const fields = withoutComments(body)
    .split(/[;\n]/)
    .flatMap((line) => (line.trim() === "" ? [] : [splitAtTop(line, ":")]))
    .filter(([name = ""]) => !name.endsWith("?"));
  const entries = fields.map(([name = "", type = ""]) => {
    const key = name.replace(/^readonly\s+/, "");
    return [key, valueOfType(type, key, source)] as const;
  });
  return entries.some(([, value]) => value === undefined) ? undefined : Object.fromEntries(entries);
}

function withoutComments(text: string): string {
  return text.replace(/\/\*.*?\*\/|\/\/.*$/gms, "");
}

/** The text between a bracket and the one that closes it. */
function balanced(text: string, open: number): string {
  let depth = 0;
  for (let at = open; at < text.length; at++) {
    if ("([{".includes(text[at] ?? "")) depth++;
    if (")]}".includes(text[at] ?? "") && --depth === 0) return text.slice(open + 1, at);
  }
  return "";
}

/** The trimmed parts of a text between separators that are outside of all brackets. Nothing for an empty text. */
function splitAtTop(text: string, separator: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let from = 0;
  const clean = withoutComments(text).replaceAll("=>", "  ");
  for (let at = 0; at < clean.length; at++) {
    const char = clean[at] ?? "";
    if ("([{<".includes(char)) depth++;
    else if (")]}>".includes(char)) depth--;
    else if (char === separator && depth === 0) {
      parts.push(clean.slice(from, at).trim());
      from = at + 1;
    }
  }
  const last = clean.slice(from).trim();
  return last === "" ? parts : [...parts, last];
}
