import { expect, it } from "vitest";
import { seededRandom } from "../../../../tests/harness/seeded-random.ts";
import { CallTable } from "./call-table.ts";

it("a call table contains the same entries as a Map", () => {
  for (let seed = 1; seed <= 10; seed++) {
    const random = seededRandom(seed);
    const table = new CallTable<string>();
    const map = new Map<number, string>();
    const most = 1 + Math.floor(random() * 300);
    for (let step = 0; step < 2_000; step++) {
      // A few numbers, consecutive numbers, and any 32-bit numbers.
      const range = [most, step + 1, 2 ** 32][step % 3] ?? 0;
      const id = Math.floor(random() * range);
      if (random() < 0.5 && map.size < most) {
        table.set(id, `${step}`);
        map.set(id, `${step}`);
      } else {
        const known = random() < 0.5 ? id : ([...map.keys()][0] ?? id);
        expect(table.delete(known)).toBe(map.delete(known));
      }
      expect(table.get(id)).toBe(map.get(id));
      expect(table.size).toBe(map.size);
    }
    for (const [id, value] of map) expect(table.get(id)).toBe(value);
    expect(table.values().sort()).toEqual([...map.values()].sort());
    table.clear();
    expect([table.size, table.values()]).toEqual([0, []]);
  }
});
