import { isRight, type Right } from "@leveros/protocol";
import { callAdmin } from "../../call-admin.ts";
import { type Command, command } from "../../command.ts";
import { printNote, printResult } from "../../output.ts";
import { jsonFlag, requiredValue, value } from "../../parameters.ts";
import { parseLifetime } from "../../quantity.ts";

export const createToken: Command = command({
  name: "create",
  summary: "create a token",
  description:
    "Create a token and print it. It is shown only this once: the host stores just a hash of it.",
  options: {
    in: value(
      "<environments>",
      "its environments, separated by commas; '*' = all (default: that of -E)",
      {
        parse: splitList,
        allowed: "a list of environments, separated by commas",
      },
    ),
    rights: requiredValue(
      "<rights>",
      "what it allows, separated by commas: invoke, look, deploy, admin",
      {
        parse: parseRights,
        allowed: "a list of invoke, look, deploy and admin, separated by commas",
      },
    ),
    expires: value("<time>", "how long it is valid: 30m, 12h, 90d (default: without end)", {
      parse: parseLifetime,
      allowed: "a number with the unit m, h or d, such as 90d",
    }),
    note: value("<text>", "what it is for"),
    json: jsonFlag("the token and its settings"),
  },
  examples: [
    ["lever token create --in '*' --rights admin --note me | lever login"],
    ["lever token create --in dev.lever --rights deploy --expires 90d --note ci"],
    ["lever token create --in '*' --rights look --note prometheus", "only to see what happens"],
    ["lever -E prod.lever token create --rights invoke", "only for calls in prod.lever"],
  ],
  run: async ({ in: environments, rights, expires, note, json }, readSettings) => {
    const settings = readSettings();
    const created = await callAdmin(settings, "createToken", {
      environments: environments ?? [settings.environment],
      rights,
      ...(expires !== undefined && { expiresInMs: expires }),
      ...(note !== undefined && { note }),
    });
    printResult(json ? JSON.stringify(created) : created.token);
    if (process.stdout.isTTY) {
      printNote("Lever does not show it again. To use it from here, give it to: lever login");
    }
  },
});

function splitList(text: string): readonly string[] {
  return text.split(",").map((name) => name.trim());
}

export function parseRights(text: string): readonly Right[] | undefined {
  const names = splitList(text);
  return names.every(isRight) ? names : undefined;
}
