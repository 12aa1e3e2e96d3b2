/** What a call comes to, in the same form whatever carried it. Bytes are Buffers. */
export type Outcome =
  | { readonly result: unknown }
  | { readonly error: unknown }
  /** Lever's own refusal. */
  | { readonly code: string };

export interface RegularCase {
  readonly name: string;
  readonly method: string;
  readonly args: readonly unknown[];
  readonly timeoutMs?: number;
  readonly outcome: Outcome;
}

export interface StreamCase {
  readonly name: string;
  readonly method: string;
  readonly args: readonly unknown[];
  /** All of them are sent, then the stream is half-closed. */
  readonly sent: readonly unknown[];
  readonly received: readonly unknown[];
  /** How it ends, when not well. */
  readonly failure?: Exclude<Outcome, { result: unknown }>;
}

// Protobuf libraries commonly read 100 messages within one another, and an object costs three.
let deep: unknown = 1;
for (let i = 0; i < 30; i++) deep = i % 2 === 0 ? [deep] : { d: deep };

const values: Readonly<Record<string, unknown>> = {
  null: null,
  true: true,
  false: false,
  zero: 0,
  "negative fraction": -1.5,
  "largest number": 1.7976931348623157e308,
  "smallest number": 5e-324,
  "2 to the 53": 2 ** 53,
  "empty text": "",
  unicode: 'é ß \u{1F600} \u2028 \0 \\ "',
  "long text": "x".repeat(100_000),
  "empty list": [],
  "empty object": {},
  "nested 30 deep": deep,
  "odd names": { "": 1, "a.b": [2], constructor: null, "é\n": {} },
};

const bytes = (size: number): Buffer => Buffer.alloc(size, "0123456789abcdef!");

export const regularCases: readonly RegularCase[] = [
  ...Object.entries(values).map(([name, value]) => ({
    name: `value: ${name}`,
    method: "echo",
    args: [value],
    outcome: { result: value },
  })),
  ...[0, 1, 65_535, 65_537, 1_000_000, 4 * 1024 * 1024].map((size) => ({
    name: `bytes: ${size}`,
    method: "echo",
    args: [bytes(size)],
    outcome: { result: bytes(size) },
  })),
  { name: "no arguments", method: "count", args: [], outcome: { result: 0 } },
  {
    name: "many arguments",
    method: "count",
    args: [1, "two", null, [4], {}],
    outcome: { result: 5 },
  },
  { name: "callback", method: "byCallback", args: ["x"], outcome: { result: "x" } },
  { name: "promise", method: "byPromise", args: ["x"], outcome: { result: "x" } },
  { name: "undefined is null", method: "nothing", args: [], outcome: { result: null } },
  {
    name: "date is text",
    method: "date",
    args: [],
    outcome: { result: "1970-01-01T00:00:00.000Z" },
  },
  { name: "error: text", method: "failText", args: [], outcome: { error: "no" } },
  {
    name: "error: object",
    method: "failObject",
    args: [],
    outcome: { error: { code: 42, why: [null] } },
  },
  {
    name: "error: bytes",
    method: "failBytes",
    args: [],
    outcome: { error: Buffer.from([0, 255]) },
  },
  {
    name: "deadline",
    method: "never",
    args: [],
    timeoutMs: 200,
    outcome: { code: "deadline_exceeded" },
  },
  { name: "unknown method", method: "missing", args: [], outcome: { code: "unknown_method" } },
];

export const streamCases: readonly StreamCase[] = [
  {
    name: "echo",
    method: "echoChan",
    args: ["hi", 2],
    sent: [1, "é", null, [], { a: [true] }],
    received: [["hi", 2], 1, "é", null, [], { a: [true] }],
  },
  {
    name: "echo of bytes",
    method: "echoChan",
    args: [],
    sent: [bytes(1), bytes(100_000), bytes(3)],
    received: [bytes(1), bytes(100_000), bytes(3)],
  },
  {
    name: "push",
    method: "pushChan",
    args: [2_000],
    sent: [],
    received: Array.from({ length: 2_000 }, (_, i) => i),
  },
  {
    name: "push of bytes",
    method: "pushBytesChan",
    args: [300],
    sent: [],
    received: Array.from({ length: 300 }, (_, i) => Buffer.alloc(1_000, i)),
  },
  {
    name: "upload",
    method: "sumChan",
    args: [],
    sent: Array.from({ length: 2_000 }, (_, i) => i),
    received: [1_999_000],
  },
  { name: "ended by the method", method: "firstChan", args: [], sent: [1, 2, 3], received: [1] },
  {
    name: "error before the first message",
    method: "failEarlyChan",
    args: [],
    sent: [],
    received: [],
    failure: { error: { code: 7 } },
  },
  {
    name: "error after it",
    method: "failLateChan",
    args: [],
    sent: [],
    received: [1],
    failure: { error: { code: 7 } },
  },
  {
    name: "unknown streaming method",
    method: "missingChan",
    args: [],
    sent: [],
    received: [],
    failure: { code: "unknown_method" },
  },
];
