import type { CallStyle } from "./call-style.ts";
import { callWrapper, placeCallback } from "./call-wrapper.ts";
import type { ExportedMethod } from "./list-methods.ts";

export interface StyledMethod extends ExportedMethod {
  readonly name: string;
  /** The first call of a wrapper replaces it. */
  style: CallStyle;
}

/** Receives the outcome of a function. Only the first one counts. */
export interface Answer {
  readonly reply: (result: unknown) => void;
  readonly fail: (error: unknown) => void;
}

/** Calls a function, which answers in its style (ADR 4). Takes over the arguments. */
export function callMethod(method: StyledMethod, args: unknown[], answer: Answer): void {
  try {
    if (method.style.kind === "returns") {
      answerWith(Reflect.apply(method.call, method.owner, args), answer);
    } else {
      callWithCallback(method, args, answer);
    }
  } catch (error) {
    answer.fail(error);
  }
}

function callWithCallback(method: StyledMethod, args: unknown[], answer: Answer): void {
  const { style, call, owner, name } = method;
  const callback = (error: unknown, result: unknown): void => {
    if (error) answer.fail(error);
    else answer.reply(result);
  };
  if (style.kind === "wrapper") {
    const { returned, style: found } = callWrapper(method, args, callback);
    if (found !== undefined) method.style = found;
    answerBeside(returned, found ?? style, answer);
    return;
  }
  answerBeside(
    Reflect.apply(call, owner, placeCallback(style, args, { name, callback })),
    style,
    answer,
  );
}

/**
 * Handles what a function returns that has got a callback. If it surely takes one, only the rejection of a promise counts.
 * Otherwise data counts, too: not a timer or an emitter, as a function that calls back later may return.
 */
function answerBeside(returned: unknown, style: CallStyle, answer: Answer): void {
  const isCertain = style.kind === "parameter" || style.kind === "lastArgument";
  if (isCertain) {
    if (isThenable(returned)) returned.then(undefined, answer.fail);
  } else if (style.kind === "returns" || isThenable(returned) || isData(returned)) {
    answerWith(returned, answer);
  }
}

function isData(value: unknown): boolean {
  if (typeof value !== "object") return value !== undefined && typeof value !== "function";
  if (value === null || Array.isArray(value) || value instanceof Uint8Array) return true;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function answerWith(returned: unknown, answer: Answer): void {
  if (isThenable(returned)) returned.then(answer.reply, answer.fail);
  else answer.reply(returned);
}

export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === "object" &&
    value !== null &&
    "then" in value &&
    typeof value.then === "function"
  );
}
