import { type HostsOption, type HostsReply, LeverError, type MissingHost } from "@leveros/protocol";
import type { ServiceStream } from "@leveros/runtime";
import type { PrincipalId } from "../access/token-index.ts";
import type { Clock } from "../clock.ts";
import { type AskedHost, askHost, type HostAnswer, OTHER_FORM } from "./asked-host.ts";
import { hostsOption } from "./hosts-option.ts";
import type { AdminMethod } from "./method-table.ts";
import { openAll } from "./open-all.ts";

/** The hosts of a cluster, as they are asked. */
interface AskedHosts {
  /** All of them, the one that answers the caller first. */
  readonly asked: readonly AskedHost[];
}

export interface AskingParts {
  /** undefined = the host is the only one. */
  readonly cluster: AskedHosts | undefined;
  /** The principal of the call that runs. */
  readonly caller: () => PrincipalId;
  /** The call that runs comes from another host, or from this one when it asks all: it is answered by this host alone. */
  readonly isAsked: () => boolean;
  readonly clock: Clock;
}

/**
 * The same method, answered by all hosts of a cluster: each is asked for its own answer, and these are merged as the method
 * declares. Without a cluster, the host answers alone. A method without a merge stays as it is.
 */
export function ofAllHosts<Parts extends AskingParts>(
  name: string,
  method: AdminMethod<Parts>,
): AdminMethod<Parts> {
  const { merge, mergeStreams } = method;
  if (merge === undefined && mergeStreams === undefined) return method;
  return {
    ...method,
    call(parts, args) {
      if (parts.isAsked()) return method.call(parts, args);
      const streams = method.isStream ? 1 : 0;
      const option = hostsOption.read(args[method.arguments.length - 1 + streams]);
      const hosts = hostsOf(parts.cluster, option);
      const question = { method: name, args: args.slice(streams), principal: parts.caller() };
      if (hosts === undefined) {
        const reply = method.call(parts, args);
        return method.isStream ? reply : alone(reply, option);
      }
      if (mergeStreams !== undefined) {
        const stream = args[0] as ServiceStream;
        const to = { stream, clock: parts.clock, args: question.args };
        return mergeStreams(openAll(hosts, question), to);
      }
      return askAll(hosts, { question, clock: parts.clock, option, merge });
    },
  };
}

/** undefined = this host is the only one. @throws LeverError `not_found`, `not_supported` */
function hostsOf(
  cluster: AskedHosts | undefined,
  { on }: HostsOption,
): readonly AskedHost[] | undefined {
  if (cluster === undefined) {
    if (on === undefined) return undefined;
    throw new LeverError(
      "not_supported",
      `Cannot ask the host ${on}: this host is the only one, and not one of a cluster.`,
    );
  }
  const { asked } = cluster;
  const hosts = on === undefined ? asked : asked.filter(({ name }) => name === on);
  if (hosts.length > 0) return hosts;
  const names = asked.map(({ name }) => name).join(", ");
  throw new LeverError(
    "not_found",
    `Cannot ask the host ${on}: there is none of that name. There are ${names}.`,
  );
}

function alone(reply: unknown, { report }: HostsOption): unknown {
  if (report !== true) return reply;
  return Promise.resolve(reply).then((of): HostsReply<unknown> => ({ reply: of, missing: [] }));
}

async function askAll(
  hosts: readonly AskedHost[],
  asking: {
    readonly question: Parameters<typeof askHost>[1];
    readonly clock: Clock;
    readonly option: HostsOption;
    readonly merge: AdminMethod<never>["merge"];
  },
): Promise<unknown> {
  const { question, clock, option, merge } = asking;
  const { args } = question;
  const all = await Promise.all(hosts.map((host) => askHost(host, question, clock)));
  const answers = all.map((of) => checkForm(of, (given) => merge?.([given], args)));
  const given = answers.filter((of) => of.kind === "reply");
  const missing = answers.flatMap(missingHost);
  if (given.length === 0) throw failureOf(answers, missing);
  const reply = merge?.(given, args);
  return option.report === true ? { reply, missing } : reply;
}

/** Hosts believe each other only so far. */
function checkForm(
  answer: HostAnswer,
  merge: (given: Extract<HostAnswer, { readonly kind: "reply" }>) => unknown,
): HostAnswer {
  if (answer.kind !== "reply") return answer;
  try {
    merge(answer);
    return answer;
  } catch {
    return { host: answer.host, kind: "silent", reason: OTHER_FORM };
  }
}

function missingHost(answer: HostAnswer): MissingHost[] {
  const { host } = answer;
  switch (answer.kind) {
    case "reply":
      return [];
    case "silent":
      return [{ host, reason: answer.reason }];
    case "error":
      // Another host may have it.
      return answer.error.code === "not_found" ? [] : [{ host, reason: answer.error.message }];
  }
}

/** No host has a reply: the error of the first one with an error. */
function failureOf(answers: readonly HostAnswer[], missing: readonly MissingHost[]): LeverError {
  const failed = answers.find((of) => of.kind === "error");
  const names = missing.map(({ host, reason }) => `${host} (${reason})`).join(", ");
  if (failed === undefined) {
    return new LeverError("unavailable", `Cannot ask the hosts: ${names}.`, {
      retryAfterSeconds: 1,
    });
  }
  const { error } = failed;
  if (error.code !== "not_found" || missing.length === 0) return error;
  // One of these may have it.
  return new LeverError("not_found", `${error.message} Without an answer: ${names}.`);
}
