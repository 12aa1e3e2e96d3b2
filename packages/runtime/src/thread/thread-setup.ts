/**
 * Node loads this program first in each further thread and each Node program of an instance (`--require`), so that they
 * are set up as the instance's own thread is (main.ts).
 */
import { inheritModules } from "../modules/module-hooks.ts";
import { setUpThread } from "./set-up-thread.ts";

setUpThread(import.meta.filename);
inheritModules();
