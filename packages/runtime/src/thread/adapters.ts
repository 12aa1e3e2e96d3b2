/**
 * The parts of set-up-thread.ts that most services never need. They are a program of their own (scripts/bundle.ts), since the
 * source of all loaded code stays in an idle instance's memory.
 */
export { valuePayload } from "@leveros/protocol";
export { findSource } from "../modules/find-source.ts";
export { answerRefusal, wrapFiles, wrapSynchronous } from "./hidden-files.ts";
export { wrapPrograms } from "./programs.ts";
export { wrapSystem } from "./system-values.ts";
export { wrapWorkers } from "./workers.ts";
