/** The parts of a function's source text. */
export interface FunctionText {
  readonly parameters: readonly string[];
  /** Without the texts of functions inside that have `arguments` of their own, and without comments. */
  readonly body: string;
  /** It has no `arguments` of its own. */
  readonly isArrow: boolean;
}

/** Bounds the time for a function whose text is a whole bundle. What a callback is used for stands near the beginning. */
const BODY_LENGTH_MAX = 50_000;

/** Splits a function's text into its parameters, at top-level commas, and the rest. */
export function splitFunction(text: string): FunctionText | undefined {
  const arrow = /^(?:async\s+)?([\w$\u0080-\uffff]+)\s*=>/.exec(text);
  if (arrow?.[1] !== undefined) {
    return { parameters: [arrow[1]], body: ownText(text.slice(arrow[0].length)), isArrow: true };
  }
  const open = text.indexOf("(");
  if (open === -1) return undefined;
  const parameters: string[] = [];
  let depth = 0;
  let parameter = "";
  for (let i = open; i < text.length; i++) {
    const skipped = skipText(text, i);
    if (skipped > i) {
      if (text[i] !== "/") parameter += text.slice(i, skipped);
      i = skipped - 1;
      continue;
    }
    const char = text[i] ?? "";
    if (")]}".includes(char) && --depth === 0) {
      if (parameter.trim() !== "") parameters.push(parameter);
      const body = text.slice(i + 1);
      return { parameters, body: ownText(body), isArrow: /^\s*=>/.test(body) };
    }
    if (depth === 1 && char === ",") {
      parameters.push(parameter);
      parameter = "";
    } else if (depth > 0) {
      parameter += char;
    }
    if ("([{".includes(char)) depth++;
  }
  return undefined;
}

/**
 * A body without comments. Inside functions that are written with `function`, it is another `arguments` that counts: there
 * it becomes `_`. Their calls of a callback count.
 */
function ownText(body: string): string {
  let own = "";
  let depth = 0;
  /** Depths of braces at which an inner function ends. */
  const inner: number[] = [];
  let isInnerNext = false;
  const length = Math.min(body.length, BODY_LENGTH_MAX);
  for (let i = 0; i < length; i++) {
    const skipped = skipText(body, i);
    if (skipped > i) {
      own += keptText(body.slice(i, skipped));
      i = skipped - 1;
      continue;
    }
    const char = body[i] ?? "";
    if (char === "{") {
      if (isInnerNext) inner.push(depth);
      isInnerNext = false;
      depth++;
    } else if (char === "}") {
      depth--;
      if (inner.at(-1) === depth) inner.pop();
    } else if (isOfWord(body.charCodeAt(i))) {
      let end = i + 1;
      while (end < length && isOfWord(body.charCodeAt(end))) end++;
      const word = body.slice(i, end);
      if (word === "function") isInnerNext = true;
      own += word === "arguments" && inner.length > 0 ? "_" : word;
      i += word.length - 1;
      continue;
    }
    own += char;
  }
  return own;
}

/** True for a letter, a digit, `_` and `$`, of ASCII. A regular expression for it would take memory in every instance. */
function isOfWord(code: number): boolean {
  const isLetter = (code | 32) >= 97 && (code | 32) <= 122;
  return isLetter || (code >= 48 && code <= 57) || code === 95 || code === 36;
}

/** Drops comments, and strings except templates, which may contain code, and the name of a type. */
function keptText(text: string): string {
  if (text.startsWith("/")) return " ";
  return text.startsWith("`") || text.slice(1, -1) === "function" ? text : '""';
}

/** The end of the string, comment or regular expression that starts at an index; the index itself when none starts there. */
function skipText(text: string, start: number): number {
  const char = text[start] ?? "";
  if (char === "/" && text[start + 1] === "/") {
    const end = text.indexOf("\n", start);
    return end === -1 ? text.length : end;
  }
  if (char === "/" && text[start + 1] === "*") {
    const end = text.indexOf("*/", start + 2);
    return end === -1 ? text.length : end + 2;
  }
  if (char === "/")
    return BEFORE_EXPRESSION.test(text.slice(Math.max(0, start - 20), start))
      ? skipRegExp(text, start)
      : start;
  if (!`"'\``.includes(char)) return start;
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === char) return i + 1;
    else if (text[i] === "\n" && char !== "`") return start;
  }
  return text.length;
}

/** A slash begins a regular expression after these, and divides after others. */
const BEFORE_EXPRESSION = /(?:^|[(,=:[!&|?{};+\-*%<>~^]|\b(?:return|typeof|case|in|of))\s*$/;

function skipRegExp(text: string, start: number): number {
  let isClass = false;
  for (let i = start + 1; i < text.length && text[i] !== "\n"; i++) {
    const char = text[i];
    if (char === "\\") i++;
    else if (char === "[") isClass = true;
    else if (char === "]") isClass = false;
    else if (char === "/" && !isClass) return i + 1;
  }
  return start;
}
