import {
  formatLeverUrl,
  isStreamingName,
  LeverError,
  parseDurationMs,
  parseLeverUrl,
} from "@leveros/protocol";
import { usageError } from "./exit-status.ts";
import type { Reading } from "./parameters.ts";
import { shellWord } from "./shell-word.ts";

/** The value of `--timeout`, in milliseconds. */
export const timeout: Reading<number> = {
  parse: parseDurationMs,
  allowed: "a number of milliseconds, or a number with a unit: 500ms, 1.5s, 2m, 1h",
};

/**
 * Completes the URL of a method with the environment, unless it names one.
 * @throws CommandError when it is not a valid URL, or names the other kind of method.
 */
export function readMethodUrl(
  text: string,
  options: { environment: string; isStreaming: boolean },
): string {
  const { environment, isStreaming } = options;
  try {
    const url = parseLeverUrl(text);
    if (isStreamingName(url.method) !== isStreaming) {
      throw usageError(
        isStreaming
          ? `Cannot stream ${text}: ${url.method} is not a streaming method, whose name ends in Chan. Use: lever invoke`
          : `Cannot invoke ${text}: ${url.method} is a streaming method. Use: lever stream`,
      );
    }
    return url.environment === "" ? formatLeverUrl({ ...url, environment }) : text;
  } catch (error) {
    if (!(error instanceof LeverError)) throw error;
    throw usageError(
      `${error.message}\nAllowed is /service/method or lever://environment/service/method.`,
    );
  }
}

/**
 * Parses an argument of a call.
 * @throws CommandError that shows the word as a JSON string: missing quotes are the usual mistake.
 */
export function parseArgument(word: string, index: number): unknown {
  try {
    return JSON.parse(word);
  } catch {
    throw usageError(
      `Cannot read argument ${index + 1}: ${word === "" ? "the empty text" : word} is not JSON.\n` +
        `A string needs JSON's quotes inside the shell's: ${shellWord(JSON.stringify(word))}`,
    );
  }
}
