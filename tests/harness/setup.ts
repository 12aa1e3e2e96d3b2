import { afterAll } from "vitest";
import { stopAllLevers } from "./lever.ts";

// A test that fails in between leaves nothing behind, nor does one that kills a host. Vitest ends its workers by a
// signal, at which no process tells that it exits.
afterAll(stopAllLevers);
