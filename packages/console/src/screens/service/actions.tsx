import type { ServiceDetails } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { admin, failureOf } from "../../data/admin.ts";
import { say } from "../../frame/notice.tsx";
import { Confirm } from "../../parts/confirm.tsx";
import { environment, go, href } from "../../route.ts";

/** Restart and removal of a service. */
export function ServiceActions({ service: of }: { service: ServiceDetails }): VNode {
  const { service } = of;
  const isRemoving = useSignal(false);
  const typed = useSignal("");
  const restart = (): void => {
    void admin("restartService", environment(), service).then(
      ({ replaced }) => say(`${service} is restarted: ${replaced} instances are replaced.`),
      (error: unknown) => say(failureOf(error).message),
    );
  };
  return (
    <>
      <button type="button" class="quiet" onClick={restart}>
        Restart
      </button>
      <button type="button" class="quiet" onClick={() => (isRemoving.value = true)}>
        Remove…
      </button>
      {isRemoving.value && (
        <Confirm
          title={`Remove ${service}?`}
          action="Remove"
          isDangerous
          isReady={typed.value === service}
          run={async () => {
            await admin("removeService", environment(), service);
            say(`${service} is removed.`);
            go(href([]));
          }}
          onClose={() => (isRemoving.value = false)}
        >
          <p>Its versions, data, variables, secrets and logs are removed, too. That is final.</p>
          <label class="stack">
            <span class="label">Type {service} to confirm</span>
            <input
              value={typed.value}
              onInput={(event) => (typed.value = event.currentTarget.value)}
            />
          </label>
        </Confirm>
      )}
    </>
  );
}
