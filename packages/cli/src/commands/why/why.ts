import { type Command, command } from "../../command.ts";
import { flag, onHost, required } from "../../parameters.ts";
import { printInstanceEvents } from "../events/events.ts";

export const why: Command = command({
  name: "why",
  summary: "show what happened to an instance",
  description:
    "Show how an instance started and why it ended. The same as lever events --instance <id>.",
  arguments: {
    instance: required("its id, as in lever ps, lever events and error messages"),
  },
  options: { on: onHost(), json: flag("print each event as a line of JSON") },
  examples: [["lever why helloService-3-1a2b3c4d"]],
  run: ({ instance, on, json }, readSettings) =>
    printInstanceEvents(readSettings(), { instance, on, json }),
});
