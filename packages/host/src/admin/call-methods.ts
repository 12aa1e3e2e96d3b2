import { type CallFilter, isJsonObject, LeverError, parseCallId } from "@leveros/protocol";
import type { Clock } from "../clock.ts";
import type { CallHistory } from "../traces/call-history.ts";
import { type Argument, environment, optional } from "./arguments.ts";
import { endedAt, mergeByTime } from "./merge-by-time.ts";
import { mergeCalls, mergeTraces } from "./merge-reports.ts";
import { adminMethod, adminStream, type Methods } from "./method-table.ts";

/** Time between two looks at the calls that have ended. */
const WATCH_MS = 200;

export interface CallParts {
  /** undefined = the host remembers no calls. */
  readonly calls: CallHistory | undefined;
  readonly clock: Clock;
}

const filter: Argument<CallFilter> = {
  name: "{service?, errors?, slowerThanMs?, running?, limit?}",
  read(value) {
    const given = isJsonObject(value) ? value : undefined;
    const { service, errors, slowerThanMs, running, limit } = given ?? {};
    if (
      given === undefined ||
      !isOptional(service, "string") ||
      !isOptional(errors, "boolean") ||
      !isOptional(slowerThanMs, "number") ||
      !isOptional(running, "boolean") ||
      !isOptional(limit, "number") ||
      (limit !== undefined && !(Number.isInteger(limit) && limit > 0))
    ) {
      throw new LeverError(
        "malformed_request",
        `Cannot list the calls: allowed is ${filter.name}, with a text, true or false, milliseconds, and a number of calls.`,
      );
    }
    return {
      ...(service !== undefined && { service }),
      ...(errors !== undefined && { errors }),
      ...(slowerThanMs !== undefined && { slowerThanMs }),
      ...(running !== undefined && { running }),
      ...(limit !== undefined && { limit }),
    };
  },
};

interface TypesByName {
  string: string;
  boolean: boolean;
  number: number;
}

function isOptional<Name extends keyof TypesByName>(
  value: unknown,
  type: Name,
): value is TypesByName[Name] | undefined {
  return value === undefined || typeof value === type;
}

const callId: Argument<string> = {
  name: "call",
  read(value) {
    const isId = (text: string): boolean =>
      parseCallId(text) !== undefined || /^[0-9a-f]{32}$/.test(text);
    if (typeof value === "string" && isId(value)) return value;
    throw new LeverError(
      "malformed_request",
      `Cannot show the trace: ${JSON.stringify(value)} is neither the id of a call, such as k7q-1z4x8, nor that of a trace.`,
    );
  },
};

/** Methods that show calls. */
export const callMethods: Methods<CallParts, "listCalls" | "watchCallsChan" | "getTrace"> = {
  listCalls: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, optional(filter)],
      does: "Lists calls of an environment, oldest first: the last ones that have ended, or with `running` those in progress.",
      merge: mergeCalls,
    },
    (parts, of, wanted) => historyOf(parts).list(of, wanted ?? {}),
  ),

  watchCallsChan: adminStream(
    {
      right: "look",
      isChange: false,
      arguments: [environment, optional(filter)],
      does: "Sends each call that ends from now on, until the caller ends the stream.",
      mergeStreams: mergeByTime(endedAt),
    },
    (parts, stream, of, wanted) => {
      const history = historyOf(parts);
      const { clock } = parts;
      let position = history.end;
      let timer: unknown;
      const look = (): void => {
        // A slow reader loses calls, so that the host never stores them.
        if (!stream.writableNeedDrain) {
          const { calls, lost, next } = history.since(position, of, wanted ?? {});
          position = next;
          if (lost > 0) stream.write({ lost });
          for (const call of calls) stream.write(call);
        }
        timer = clock.setTimeout(look, WATCH_MS);
      };
      look();
      stream.resume();
      stream.on("end", () => stream.end());
      stream.on("close", () => clock.clearTimeout(timer));
    },
  ),

  getTrace: adminMethod(
    {
      right: "look",
      isChange: false,
      arguments: [environment, callId],
      does: "Shows a call with those in the course of which it was made, and those that were made in its course.",
      merge: mergeTraces,
    },
    async (parts, of, id) => {
      const trace = await historyOf(parts).trace(of, id);
      if (trace !== undefined) return trace;
      throw new LeverError(
        "not_found",
        `Cannot show the trace: the host has no call ${id} in ${of}. It remembers the last calls, and longer those that failed, waited or were slow; calls that it refused before they reached a service are not among them.`,
      );
    },
  ),
};

function historyOf({ calls }: CallParts): CallHistory {
  if (calls !== undefined) return calls;
  throw new LeverError(
    "not_supported",
    "Cannot show calls: this host remembers none (its limit callsRememberedMax is 0).",
  );
}
