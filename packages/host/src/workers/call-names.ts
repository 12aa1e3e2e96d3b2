import type { CallOpening } from "@leveros/protocol";
import { type CallRequest, OUTSIDE } from "../router/router.ts";

type Names = Pick<CallOpening, "environment" | "service" | "resource" | "method">;

/**
 * Who is called, as a worker's openings say it. Whoever calls comes from outside; who asks the admin service goes before
 * the environment's name, up to the first space. Keys of askers have none, and so environments may hold what they like.
 */
export function namesOf({ url, caller }: Pick<CallRequest, "url" | "caller">): Names {
  const { environment, service, resource, method } = url;
  return { environment: `${caller.service} ${environment}`, service, resource, method };
}

/** The same, read again. */
export function readNames(names: Names): Pick<CallRequest, "url" | "caller"> {
  const { service, resource, method } = names;
  const space = names.environment.indexOf(" ");
  const environment = names.environment.slice(space + 1);
  const caller =
    space <= 0 ? OUTSIDE : { environment: "", service: names.environment.slice(0, space) };
  return { url: { environment, service, resource, method }, caller };
}
