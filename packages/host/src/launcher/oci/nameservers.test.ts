import { expect, it } from "vitest";
import { parseNameservers } from "./nameservers.ts";

it.each<[string, string, string[]]>([
  [
    "each server",
    "search lan\nnameserver 10.0.0.2\nnameserver\t1.1.1.1  \n",
    ["10.0.0.2", "1.1.1.1"],
  ],
  ["no server on the loopback", "nameserver 127.0.0.53\nnameserver 9.9.9.9\n", ["9.9.9.9"]],
  ["no IPv6 server", "nameserver fe80::1\n", []],
  ["no server in a comment", "# nameserver 10.0.0.2\n", []],
  ["nothing in an empty file", "", []],
])("a resolv.conf names %s", (_name, text, expected) => {
  expect(parseNameservers(text)).toEqual(expected);
});
