import { expect, it } from "vitest";
import { namesOf, readNames } from "./call-names.ts";

it.each(["dev.lever", "", " ", "local dev.lever", "a b", "\u0000"])(
  "who is called and who asks arrive as they were, in an environment %j",
  (environment) => {
    for (const service of ["", "local", "0a1b2c3d"]) {
      const url = { environment, service: "svc", resource: "a/b", method: "m" };
      const sent = { url, caller: { environment: "", service } };
      expect(readNames(namesOf(sent))).toEqual(sent);
    }
  },
);
