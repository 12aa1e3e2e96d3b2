import type { TokenListing, Whoami } from "@leveros/protocol";

/** Describes the token of a command, and the access that it has. */
export function describeWhoami({ token }: Whoami): string {
  if (token === null) {
    return "You need no token here: the host has none, so every program on its machine may do everything.";
  }
  const { id, note, rights } = token;
  const name = note === "" ? id : `${id} (${note})`;
  return `You use the token ${name}, which allows ${joinWords(rights)} in ${describePlaces(token)}. ${describeEnd(token)}`;
}

function describePlaces({ environments }: Pick<TokenListing, "environments">): string {
  return environments.includes("*") ? "all environments" : joinWords(environments);
}

function describeEnd({ expiresAt }: Pick<TokenListing, "expiresAt">): string {
  if (expiresAt === undefined) return "It does not expire.";
  return `It expires at ${expiresAt.slice(0, 16).replace("T", " ")} UTC.`;
}

/** `a`, `a and b`, `a, b and c`. */
function joinWords(words: readonly string[]): string {
  const last = words.at(-1) ?? "nothing";
  return words.length < 2 ? last : `${words.slice(0, -1).join(", ")} and ${last}`;
}
