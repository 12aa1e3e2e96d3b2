import type { NetworkPolicy } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printResult } from "../../output.ts";
import { oneOrMore, required } from "../../parameters.ts";

export const setNetwork: Command = command({
  name: "network",
  summary: "set what its instances can reach",
  description:
    "Set what the instances of an environment can reach through their own network. Needs instances in containers.",
  arguments: {
    name: required("name of the environment"),
    destination: oneOrMore("internet (the default), none, or a list of destinations"),
  },
  notes: `A destination is an IPv4 address or network, or a domain name, which is resolved again every 30 s, with a port
or without; a port of the machine that Lever runs on, which instances reach at the same address; dns, the name
servers of the machine; or internet, every public address.
The change applies to running instances at once. Calls between services are always possible.
What instances tried to reach in vain is in lever events ("connections blocked").`,
  examples: [
    ["lever env network staging.lever none", "only calls between services"],
    ["lever env network staging.lever dns 192.0.2.7:5432", "name servers and one database"],
    ["lever env network staging.lever db.example.com:5432", "the same, wherever the database is"],
    ["lever env network staging.lever internet localhost:5432", "and a database on the machine"],
    ["lever env network staging.lever internet", "every public address, as at the start"],
  ],
  run: async ({ name, destination }, readSettings) => {
    await callAdmin(readSettings(), "setNetwork", name, networkPolicy(destination));
    printResult(`Instances of ${name} can reach: ${destination.join(", ")}.`);
  },
});

/** The words `internet` and `none` stand alone; everything else is a list. The host checks it. */
export function networkPolicy(words: readonly string[]): NetworkPolicy {
  const [first] = words;
  return words.length === 1 && (first === "internet" || first === "none") ? first : words;
}
