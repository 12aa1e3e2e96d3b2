import { expect, it } from "vitest";
import { retransmissions } from "./lost-peers.ts";

const head =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const rows = {
  silent: "   1: 0100007F:1F90 0200000A:C350 01 00000000:00000000 00:00000000 00000000  0 0 22 1 0",
  probed: "   2: 0100007F:1F90 0200000A:C351 01 00000000:00000000 02:00000A3B 00000000  0 0 23 2 0",
  sending:
    "   3: 0100007F:1F90 0200000A:C352 01 00000005:00000000 01:00000014 00000000  0 0 24 2 0",
  lost: "   4: 0100007F:1F90 0200000A:C353 01 00000005:00000000 01:00000BB8 0000000A  0 0 25 2 0",
  other: "   5: 0100007F:1F91 0200000A:C354 01 00000005:00000000 01:00000BB8 00000007  0 0 26 2 0",
};
const found = (table: string): unknown => [...retransmissions(table, 8080)];

it("only connections of the port that repeat what they have sent are found", () => {
  expect(found([head, ...Object.values(rows), ""].join("\n"))).toEqual([["10.0.0.2:50003", 10]]);
});

it.each([
  ["B80D0120000000000000000001000000", "2001:db8::1"],
  ["0000000000000000FFFF00000200000A", "::ffff:10.0.0.2"],
])("the peer %s of a connection over IPv6 is %s", (words, address) => {
  const row = `   0: ${words}:1F90 ${words}:C350 01 00000005:00000000 01:00000BB8 00000003  0 0 1 1 0`;
  expect(found(`${head}\n${row}\n`)).toEqual([[`${address}:50000`, 3]]);
});

it("a table that is not there has no connections", () => {
  expect(found("")).toEqual([]);
});
