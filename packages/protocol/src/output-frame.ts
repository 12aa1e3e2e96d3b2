/**
 * The form of an instance's output. The runtime wraps each write in a frame, so that it stays one record and has its level
 * and its call. Everything between frames is lines: of other processes, and of native code.
 *
 *     RS <call> ; <level> ; <bytes of the text> US <text>
 */

/** The levels of log records, least important first. */
export const logLevels: readonly ["debug", "info", "warn", "error"] = [
  "debug",
  "info",
  "warn",
  "error",
];
export type LogLevel = (typeof logLevels)[number];

export function isLogLevel(value: unknown): value is LogLevel {
  return logLevels.some((level) => level === value);
}

/** The byte RS, which begins a frame. */
export const FRAME_START = 0x1e;
/** The byte US, which ends the header of a frame. */
export const FRAME_TEXT = 0x1f;
const [RS, US] = [FRAME_START, FRAME_TEXT].map((byte) => String.fromCharCode(byte));
const HEADERS = new RegExp(`${RS}[\\w;-]*${US}?`, "g");
const HEADER_END = new RegExp(`^[\\w;-]{0,80}${US}`);
/** A longer header is none. */
export const FRAME_HEADER_BYTES_MAX = 80;

const HEADER = /^([\w-]{0,40});([0-4]);(\d{1,7})$/;

/** The head of a frame, without RS and US. */
export interface FrameHeader {
  /** The call that wrote it; `""` = none. */
  readonly call: string;
  /** undefined = the text has the numbers of records and bytes that the instance has dropped. */
  readonly level: LogLevel | undefined;
  /** The size of the text. */
  readonly bytes: number;
}

export function formatFrame({ call, level, bytes }: FrameHeader): string {
  const number = level === undefined ? 0 : logLevels.indexOf(level) + 1;
  return `${RS}${call};${number};${bytes}${US}`;
}

/** The text of output, which may begin and end amid a header. */
export function withoutHeaders(output: string): string {
  return output.replace(HEADER_END, "").replace(HEADERS, "");
}

/** Reads what is between RS and US. undefined = it is no header. */
export function parseFrame(text: string): FrameHeader | undefined {
  const [, call, level, bytes] = HEADER.exec(text) ?? [];
  if (call === undefined) return undefined;
  return { call, level: logLevels[Number(level) - 1], bytes: Number(bytes) };
}
