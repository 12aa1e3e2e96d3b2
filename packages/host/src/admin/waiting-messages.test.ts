import type { LogRecord } from "@leveros/protocol";
import { expect, it } from "vitest";
import { WaitingMessages } from "./waiting-messages.ts";

function record(number: number): LogRecord {
  const at = "2026-01-01T00:00:00.000Z";
  const about = { environment: "dev.lever", service: "svc", version: 1, instance: "svc-1-a" };
  return { at, level: "info", ...about, text: String(number) };
}

/** A reader that takes messages one by one, and what it has got: texts, or a number of dropped records. */
function slowReader(): { got: unknown[]; records: WaitingMessages<LogRecord>; isReading: boolean } {
  const got: unknown[] = [];
  const records = new WaitingMessages<LogRecord>((message): boolean => {
    got.push("text" in message ? message.text : message.dropped);
    return reader.isReading;
  });
  const reader = { got, records, isReading: true };
  return reader;
}

it("records that come before the earlier ones are sent wait for them", () => {
  const { got, records } = slowReader();
  records.add(record(1));
  expect(got).toEqual([]);
  records.send();
  records.add(record(2));
  expect(got).toEqual(["1", "2"]);
});

it("a reader that is too slow gets the number of records that it has missed", () => {
  const reader = slowReader();
  const { got, records } = reader;
  records.send();
  reader.isReading = false;
  for (let i = 0; i <= 1_500; i++) records.add(record(i));
  expect(got).toEqual(["0"]);
  reader.isReading = true;
  records.send();
  records.add(record(2_000));
  expect(got).toHaveLength(1_003);
  expect(got.slice(-3)).toEqual(["1000", 500, "2000"]);
});
