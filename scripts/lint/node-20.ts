/** The client, and the protocol that it is made of, run on Node 20: they use nothing that only later versions have. */
import { type Fault, isTest, lineAt, type Repository } from "./repository.ts";

const PLACES = ["packages/client/src/", "packages/protocol/src/"];
const NEWER =
  /\b(?:Promise\.(?:withResolvers|try)|(?:Object|Map)\.groupBy|Array\.fromAsync|Iterator\.from|RegExp\.escape|Error\.isError|Uint8Array\.from(?:Base64|Hex))\b|\.(?:toBase64|toHex|transferToFixedLength|isSubsetOf|isSupersetOf|isDisjointFrom|symmetricDifference)\(|^\s*(?:await )?using \w/gm;

export function node20Faults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  return sources
    .filter((file) => PLACES.some((place) => file.path.startsWith(place)) && !isTest(file))
    .flatMap(({ path, text }) =>
      [...text.matchAll(NEWER)].map(({ 0: name, index }) => ({
        path,
        line: lineAt(text, index),
        reason: `Node 20, on which the client runs, has no ${name.trim().replace("(", "")}`,
      })),
    );
}
