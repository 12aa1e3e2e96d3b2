import type { FuzzTarget } from "../target.ts";
import { http1 } from "./http1.ts";

/** Everything that reads what strangers send. */
export const targets: readonly FuzzTarget[] = [http1];
