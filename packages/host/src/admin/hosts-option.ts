import { type HostsOption, isJsonObject } from "@leveros/protocol";
import { type Argument, flag, invalidArgument } from "./arguments.ts";

const NAME_LENGTH_MAX = 255;

/** The last argument of each method that all hosts of a cluster answer together. */
export const hostsOption: Argument<HostsOption & { readonly on: string | undefined }> = {
  name: "{on?, report?}?",
  read(value) {
    const on = isJsonObject(value) ? (value["on"] ?? undefined) : undefined;
    if (on !== undefined && !(typeof on === "string" && on.length <= NAME_LENGTH_MAX)) {
      throw invalidArgument("on", on, "the name of a host");
    }
    return { on, report: flag("report").read(value) };
  },
};
