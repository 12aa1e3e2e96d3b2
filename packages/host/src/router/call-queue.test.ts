import { describe, expect, it } from "vitest";
import { CallQueue } from "./call-queue.ts";

const afterMs = 1_000;

/** A queue in which so many calls have waited since a moment. */
function waiting(count: number, since: number): CallQueue<number> {
  const queue = new CallQueue<number>();
  for (let i = 0; i < count; i++) queue.add(i, since + i);
  return queue;
}

describe("a queue of calls", () => {
  it("gives them in the order in which they came", () => {
    const queue = waiting(3, 0);
    expect(queue.delete(1)).toBe(true);
    expect(queue.delete(1)).toBe(false);
    expect([...queue]).toEqual([0, 2]);
    expect(queue.takeAll()).toEqual([0, 2]);
    expect(queue.size).toBe(0);
  });

  it("takes a burst of any size, until it has stood for its time", () => {
    const queue = waiting(90, 0);
    expect(queue.isOverloaded({ now: 999, afterMs, capacity: 10 })).toBe(false);
    expect(queue.isOverloaded({ now: 1_000, afterMs, capacity: 10 })).toBe(true);
  });

  it("takes some all the same, and burst again only when nobody was refused for a while", () => {
    const queue = waiting(5, 0);
    expect(queue.isOverloaded({ now: 1_000, afterMs, capacity: 10 })).toBe(true);
    queue.delete(0);
    expect(queue.isOverloaded({ now: 1_001, afterMs, capacity: 10 })).toBe(false);
    // It has been empty in between, but that was a moment ago.
    queue.takeAll();
    for (let i = 0; i < 5; i++) queue.add(i, 1_100);
    expect(queue.isOverloaded({ now: 1_100, afterMs, capacity: 10 })).toBe(true);
    queue.takeAll();
    for (let i = 0; i < 50; i++) queue.add(i, 2_100);
    expect(queue.isOverloaded({ now: 2_100, afterMs, capacity: 10 })).toBe(false);
  });
});
