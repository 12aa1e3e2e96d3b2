import { describe, expect, it } from "vitest";
import { CallQueue } from "./call-queue.ts";

const limits = { queueWaitTargetMs: 200, queueStandingMs: 400 };
const CAPACITY = 10;

/** A queue in which so many calls wait, one more each millisecond. */
function waiting(count: number): CallQueue<number> {
  const queue = new CallQueue<number>(limits);
  for (let i = 0; i < count; i++) queue.add(i, i);
  return queue;
}

describe("a queue of calls", () => {
  it("gives them in the order in which they came", () => {
    const queue = waiting(3);
    expect([queue.leave(1, 5), queue.leave(1, 5)]).toEqual([true, false]);
    expect([queue.first, queue.size]).toEqual([0, 2]);
    queue.take(0, 5);
    expect([queue.first, queue.size]).toEqual([2, 1]);
    expect(queue.takeAll(5)).toEqual([2]);
    expect([queue.first, queue.size]).toEqual([undefined, 0]);
  });

  it("gives those that are made in the course of others first, and refuses none of them", () => {
    const queue = waiting(20);
    for (let i = 20; i < 40; i++) queue.addChained(i);
    expect([queue.first, queue.size]).toEqual([20, 40]);
    for (let i = 20; i < 39; i++) queue.take(i, 500);
    queue.take(0, 500);
    expect(queue.overflow(900, CAPACITY)).toEqual([]);
    expect([queue.leave(39, 900), queue.first]).toEqual([true, 1]);
  });

  it("refuses a call when all that got a place have waited too long for some time", () => {
    const queue = waiting(20);
    queue.take(0, 200);
    expect(queue.overflow(599, CAPACITY)).toBeUndefined();
    expect(queue.overflow(600, CAPACITY)).toEqual([]);
  });

  it("refuses a call when none has got a place for a longer time", () => {
    const queue = waiting(20);
    expect(queue.overflow(999, CAPACITY)).toBeUndefined();
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
  });

  it("refuses those behind half of the capacity that came while every wait was long", () => {
    const queue = waiting(20);
    queue.take(0, 200);
    for (let i = 20; i < 30; i++) queue.add(i, 300 + i);
    expect(queue.overflow(600, CAPACITY)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
    expect(queue.size).toBe(19);
  });

  it("keeps of a burst what can be served within a second", () => {
    const queue = waiting(100);
    // One call each 25 ms.
    for (let i = 0; i < 17; i++) queue.take(i, 200 + 25 * i);
    expect(queue.overflow(600, CAPACITY)?.length).toBe(100 - 17 - 32);
  });

  it("takes every call as long as one of them has waited less than the target", () => {
    const queue = waiting(20);
    queue.take(0, 500);
    queue.take(1, 200);
    expect(queue.overflow(901, CAPACITY)).toBeUndefined();
  });

  it("does not count the wait for an instance to start", () => {
    const queue = waiting(20);
    queue.instanceAdded(5_000);
    expect(queue.overflow(5_999, CAPACITY)).toBeUndefined();
    expect(queue.overflow(6_000, CAPACITY)).toEqual([]);
  });

  it("takes calls again while fewer than half of the capacity wait", () => {
    const queue = waiting(6);
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
    queue.take(0, 1_001);
    queue.take(1, 1_002);
    expect(queue.overflow(1_003, CAPACITY)).toBeUndefined();
  });

  it("takes again, for a trial, as many calls as wait no longer than the target", () => {
    const queue = waiting(20);
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
    // One call each 100 ms, so two wait for the target. Half of the capacity always may.
    for (let i = 0; i < 12; i++) {
      expect(queue.overflow(1_099 + 100 * i, CAPACITY)).toEqual([]);
      queue.take(i, 1_100 + 100 * i);
    }
    queue.add(20, 2_201);
    expect(queue.overflow(2_202, CAPACITY)?.length).toBe(0);
  });

  it("takes calls again when none had to be refused for a while", () => {
    const queue = waiting(20);
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
    expect(queue.overflow(1_399, CAPACITY)).toEqual([]);
    expect(queue.overflow(1_799, CAPACITY)).toBeUndefined();
  });

  it("takes calls after an overload until more of them wait than at its end", () => {
    const queue = waiting(20);
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
    expect(queue.overflow(1_400, CAPACITY)).toBeUndefined();
    // Its longest wait counts from then on.
    expect(queue.overflow(2_400, CAPACITY)).toBeUndefined();
    queue.add(20, 2_400);
    expect(queue.overflow(2_401, CAPACITY)).toEqual([20]);
  });

  it("takes bursts again when no call was refused for a while", () => {
    const queue = waiting(6);
    expect(queue.overflow(1_000, CAPACITY)).toEqual([]);
    queue.takeAll(1_001);
    for (let i = 0; i < 50; i++) queue.add(i, 2_600);
    expect(queue.overflow(2_601, CAPACITY)).toBeUndefined();
  });
});
