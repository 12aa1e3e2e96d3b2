import { formatLeverUrl, isStreamingName, LeverError, parseLeverUrl } from "@leveros/protocol";
import { usageError } from "./exit-status.ts";
import { parseDuration } from "./quantity.ts";

/**
 * The URL of a method with its environment.
 * @throws CommandError when it cannot be one, or is one of the other kind of method.
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
          ? `Cannot stream ${text}: by its name ${url.method} is a regular method, and stream calls streaming ones, whose names end in Chan.`
          : `Cannot invoke ${text}: by its name ${url.method} is a streaming method, and invoke calls regular ones.`,
      );
    }
    return url.environment === "" ? formatLeverUrl({ ...url, environment }) : text;
  } catch (error) {
    if (error instanceof LeverError) {
      throw usageError(
        `${error.message}\nAllowed is /service/method or lever://environment/service/method.`,
      );
    }
    throw error;
  }
}

/** A duration in milliseconds; 0 without one. @throws CommandError */
export function readTimeout(text: string | undefined): number {
  if (text === undefined) return 0;
  const timeoutMs = parseDuration(text);
  if (timeoutMs !== undefined) return timeoutMs;
  throw usageError(
    `Cannot use ${JSON.stringify(text)} as --timeout: allowed is a number of milliseconds, or one with a unit: 500ms, 10s, 2m.`,
  );
}

/** @throws CommandError that shows how a string is written, which is what was meant nearly always. */
export function readArgument(word: string, index: number): unknown {
  try {
    return JSON.parse(word);
  } catch {
    throw usageError(
      `Cannot read argument ${index + 1}: ${word === "" ? "the empty text" : word} is not JSON.\n` +
        `A string needs JSON's quotes inside the shell's: ${quoteForShell(JSON.stringify(word))}`,
    );
  }
}

/** In single quotes, where a shell changes nothing. */
function quoteForShell(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
