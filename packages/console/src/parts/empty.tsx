import type { ComponentChildren, VNode } from "preact";
import type { Failure } from "../data/admin.ts";

/** Stands where there is nothing to show, and says why. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }): VNode {
  return (
    <div class="empty">
      <h1>{title}</h1>
      {children}
    </div>
  );
}

const titles: Readonly<Record<string, string>> = {
  forbidden: "Your token does not allow this",
  unauthorized: "Your token is not valid any more",
  unknown_environment: "There is no such environment",
  unknown_service: "There is no such service",
  not_found: "It is not here, or no longer",
};

/** A failure of a call to the host, in the place of its result. */
export function Failed({ code, message }: Failure): VNode {
  return (
    <Empty title={titles[code] ?? "The host could not answer"}>
      <p>{message}</p>
      {code === "forbidden" && (
        <p>
          A token with more rights: <code>lever token create --right look</code>
        </p>
      )}
    </Empty>
  );
}
