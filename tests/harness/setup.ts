import { afterAll } from "vitest";
import { stopAllLevers } from "./lever.ts";

// A test that fails or kills a host leaves nothing behind. Vitest ends its workers by a signal, at which "exit" does not
// fire.
afterAll(stopAllLevers);
