/** The word with which the user has called the command: what it suggests must work when it is pasted. */
export function programName(variables: Readonly<Record<string, string | undefined>>): string {
  return variables["npm_command"] === "exec" ? "npx lever" : "lever";
}
