import { defaultLimits } from "@leveros/protocol";
import { expect, it } from "vitest";
import { VirtualClock } from "../../../../tests/harness/virtual-clock.ts";
import { State } from "../state/state.ts";
import type { Store } from "../store/store.ts";
import { SecretBox } from "./secret-box.ts";
import { Variables } from "./variables.ts";

const store: Pick<Store, "variables"> = { variables: async () => [] };
const variables = new Variables({
  store: store as Store,
  state: new State({ revisionOf: async () => 0 }, async () => ({
    outcome: "written",
    revision: 1,
  })),
  box: new SecretBox("/nothing"),
  clock: new VirtualClock(),
  limits: defaultLimits,
});

const place = { environment: "dev.lever", service: "" };

it.each(["NODE_OPTIONS", "LANG", "A"])(
  "a value of %s that is too long is refused and not quoted",
  async (name) => {
    const value = `--${"x".repeat(32_768)}`;
    await expect(variables.set(place, { [name]: value }, false)).rejects.toThrow(
      `Cannot set ${name}: allowed is a text of at most 32768 characters, none of them NUL.`,
    );
  },
);

it("an empty secret is refused", async () => {
  await expect(variables.set(place, { A: "" }, true)).rejects.toThrow("its value is empty");
});
