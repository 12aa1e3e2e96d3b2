import type { Reading } from "./parameters.ts";

/** The number of a version of a service. */
export const versionNumber: Reading<number> = {
  parse: (text) => (/^[1-9]\d{0,8}$/.test(text) ? Number(text) : undefined),
  allowed: "a number such as 3",
};
