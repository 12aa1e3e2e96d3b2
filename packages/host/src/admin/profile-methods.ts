import {
  type CallListener,
  encodeJson,
  isJsonObject,
  LeverError,
  OUTSIDE,
  PAYLOAD_BYTES,
  PAYLOAD_JSON,
  PROFILE_METHOD,
} from "@leveros/protocol";
import type { Fleet } from "../fleet/fleet.ts";
import type { Instance } from "../fleet/instance.ts";
import type { Router } from "../router/router.ts";
import { type Argument, environment, text } from "./arguments.ts";
import { findEnvironment } from "./find-environment.ts";
import { adminStream, type Methods } from "./method-table.ts";

const SECONDS_MAX = 60;
const SECONDS = 10;

export interface ProfileParts {
  readonly fleet: Fleet;
  readonly router: Router;
}

interface Wanted {
  readonly isHeap: boolean;
  readonly seconds: number;
}

const wanted: Argument<Wanted> = {
  name: "{heap?, seconds?}?",
  read(value) {
    const { heap = false, seconds = SECONDS } = isJsonObject(value) ? value : {};
    const isDuration = typeof seconds === "number" && seconds > 0 && seconds <= SECONDS_MAX;
    if (typeof heap === "boolean" && isDuration) return { isHeap: heap, seconds };
    throw new LeverError(
      "malformed_request",
      `Cannot make the profile: \`heap\` is true or false, and \`seconds\` a number up to ${SECONDS_MAX}.`,
    );
  },
};

/** Methods that show what an instance does and has in its memory. */
export const profileMethods: Methods<ProfileParts, "profileChan"> = {
  profileChan: adminStream(
    {
      right: "deploy",
      isChange: false,
      arguments: [environment, text("service or instance"), wanted],
      does: "Sends a CPU profile of an instance as bytes, or with `heap` a snapshot of its heap; of a service, its busiest instance.",
    },
    async (parts, stream, of, name, { isHeap, seconds }) => {
      const instance = findInstance(parts, of, name);
      const ended = Promise.withResolvers<void>();
      const listener: CallListener = {
        onMessage(kind, bytes) {
          if (kind !== PAYLOAD_BYTES || stream.write(Buffer.from(bytes))) return;
          handle.pause();
          void stream.drained().then(() => handle.resume());
        },
        onEnd: () => ended.resolve(),
        onFail: (_kind, bytes) => ended.reject(failed(Buffer.from(bytes).toString())),
        onAbort: (error) => ended.reject(error),
        onDrain() {},
      };
      const request = {
        caller: OUTSIDE,
        target: { environment: of, service: "", resource: "", method: PROFILE_METHOD },
        isStream: true,
        timeoutMs: 0,
        kind: PAYLOAD_JSON,
        body: encodeJson([isHeap ? "heap" : "cpu", seconds]),
      } as const;
      const handle = instance.target.callee.open(request, listener, true);
      stream.on("close", () => handle.abort(new LeverError("cancelled", "The caller has left.")));
      stream.resume();
      await ended.promise;
    },
  ),
};

/** An instance by its id, or that of a service with the most calls. @throws LeverError `not_found`, `not_supported` */
function findInstance({ fleet, router }: ProfileParts, of: string, name: string): Instance {
  findEnvironment(router, of);
  const services = fleet.servicesOf(of);
  const found = services
    .flatMap(({ instances, live }) => instances.map((instance) => ({ instance, live })))
    .filter(({ instance, live }) => instance.spec.instance === name || live.service === name)
    .filter(({ instance }) => instance.status === "ready" || instance.status === "draining")
    .sort((a, b) => b.instance.target.callsInFlight - a.instance.target.callsInFlight)[0];
  if (found === undefined) {
    throw new LeverError(
      "not_found",
      `Cannot profile ${JSON.stringify(name)}: no instance of this name, or of a service of this name, runs in ${of}. lever ps lists those that run.`,
    );
  }
  const { entry, http } = found.live.leverJson;
  if (entry !== undefined || http !== undefined) {
    throw new LeverError(
      "not_supported",
      `Cannot profile ${JSON.stringify(name)}: its service is a program of its own. Use the tools of its language.`,
    );
  }
  return found.instance;
}

function failed(reason: string): LeverError {
  return new LeverError("instance_failed", `Cannot make the profile: ${reason}.`);
}
