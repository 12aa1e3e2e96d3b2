/** Names of callback parameters, recognized also when the body only passes the callback on. */
const CALLBACK_NAME = /^_?(?:callback|cb|done|next|reply|respond)$|Callback$|Cb$/;

/**
 * The index of a function's callback parameter: the last parameter, if it is named like a callback or called in the body.
 * undefined when the function returns its result.
 *
 * Lever reads the function's source text, because `length` does not distinguish `(name, callback)` from `(name, greeting)`.
 * Native async functions and generators never take a callback. Without source text (bound or native functions) the last
 * parameter counts as one.
 */
export function callbackIndex(method: (...args: never[]) => unknown): number | undefined {
  const kind = method.constructor.name;
  if (kind !== "Function") return undefined;
  const text = Function.prototype.toString.call(method);
  if (text.includes("[native code]")) return method.length > 0 ? method.length - 1 : undefined;
  const parts = splitParameters(text);
  if (parts === undefined) return undefined;
  const { parameters, body } = parts;
  const last = parameters.at(-1)?.match(/^\s*([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*$/u)?.[1];
  if (last === undefined) return undefined;
  const isCalled = new RegExp(`(?<![\\w$.])${last.replaceAll("$", "\\$")}\\s*(?:\\?\\.)?\\(`).test(
    body,
  );
  return isCalled || CALLBACK_NAME.test(last) ? parameters.length - 1 : undefined;
}

/** Splits a function's text into its parameters, at top-level commas, and the rest. */
function splitParameters(text: string): { parameters: string[]; body: string } | undefined {
  const arrow = /^(?:async\s+)?([\p{ID_Start}$_][\p{ID_Continue}$]*)\s*=>/u.exec(text);
  if (arrow?.[1] !== undefined) {
    return { parameters: [arrow[1]], body: text.slice(arrow[0].length) };
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
      return { parameters, body: text.slice(i + 1) };
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

/** The end of the string or comment that starts at an index; the index itself when none starts there. */
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
  if (!`"'\``.includes(char)) return start;
  for (let i = start + 1; i < text.length; i++) {
    if (text[i] === "\\") i++;
    else if (text[i] === char) return i + 1;
  }
  return text.length;
}
