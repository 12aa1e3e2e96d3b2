import type { DeployReport } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { admin, failureOf } from "../../data/admin.ts";
import { bytes, count, duration } from "../../format.ts";
import { Dialog } from "../../parts/dialog.tsx";
import { environment, go, href } from "../../route.ts";
import { deploy } from "./send.ts";
import { readSource, type Source } from "./service-files.ts";

type State =
  | { readonly step: "choose"; readonly problem?: string }
  | { readonly step: "read" }
  | { readonly step: "ready"; readonly source: Source }
  | { readonly step: "send"; readonly source: Source; readonly sent: number }
  | { readonly step: "done"; readonly report: DeployReport };

/** Deploys a service from a folder of this computer, or from an archive. */
export function DeployDialog(props: {
  /** `[]` = nothing yet. */
  given: readonly (FileSystemEntry | File)[];
  onClose: () => void;
}): VNode {
  const { given, onClose } = props;
  const state = useSignal<State>({ step: given.length === 0 ? "choose" : "read" });
  const take = async (items: readonly (FileSystemEntry | File)[]): Promise<void> => {
    state.value = { step: "read" };
    try {
      const { archiveEntriesMax, unpackedBytesMax } = await admin(
        "listArchiveLimits",
        environment(),
      );
      const source = await readSource(items, archiveEntriesMax);
      if (source.kind === "folder" && source.bytes > unpackedBytesMax) {
        const [size, most] = [source.bytes, unpackedBytesMax].map(bytes);
        throw new Error(`It has ${size}, and the host takes ${most} at most.`);
      }
      state.value = { step: "ready", source };
    } catch (error) {
      state.value = { step: "choose", problem: reasonOf(error) };
    }
  };
  useEffect(() => {
    if (given.length > 0) void take(given);
  }, []);
  const run = async (source: Source): Promise<void> => {
    let sent = 0;
    state.value = { step: "send", source, sent };
    try {
      const report = await deploy(environment(), source, (more) => {
        sent += more;
        state.value = { step: "send", source, sent };
      });
      state.value = { step: "done", report };
    } catch (error) {
      state.value = { step: "choose", problem: reasonOf(error) };
    }
  };
  return (
    <Dialog title={`Deploy to ${environment()}`} onClose={onClose}>
      <div class="stack" aria-live="polite">
        <Step state={state.value} onTake={(items) => void take(items)} />
      </div>
      <div class="actions end">
        {state.value.step === "done" ? (
          <OpenService service={state.value.report.service} onOpen={onClose} />
        ) : (
          <>
            <button type="button" class="quiet" onClick={onClose}>
              {state.value.step === "send" ? "Hide" : "Cancel"}
            </button>
            {state.value.step === "ready" && <Send source={state.value.source} onSend={run} />}
          </>
        )}
      </div>
    </Dialog>
  );
}

function reasonOf(error: unknown): string {
  const { code, message } = failureOf(error);
  return code === "internal" && error instanceof Error ? error.message : message;
}

function Send(props: { source: Source; onSend: (source: Source) => Promise<void> }): VNode {
  return (
    <button type="button" class="primary" onClick={() => void props.onSend(props.source)}>
      Deploy
    </button>
  );
}

function OpenService({ service, onOpen }: { service: string; onOpen: () => void }): VNode {
  const open = (): void => {
    onOpen();
    go(href(["s", service]));
  };
  return (
    <button type="button" class="primary" onClick={open}>
      Open {service}
    </button>
  );
}

function Step(props: { state: State; onTake: (items: readonly File[]) => void }): VNode {
  const { state, onTake } = props;
  switch (state.step) {
    case "choose":
      return <Choose problem={state.problem} onTake={onTake} />;
    case "read":
      return <p class="muted">Reading…</p>;
    case "ready":
      return <Ready source={state.source} />;
    case "send":
      return <Sending source={state.source} sent={state.sent} />;
    case "done":
      return <Done report={state.report} />;
  }
}

function Choose(props: {
  problem: string | undefined;
  onTake: (items: readonly File[]) => void;
}): VNode {
  const onChange = ({ currentTarget }: { readonly currentTarget: HTMLInputElement }): void => {
    const files = [...(currentTarget.files ?? [])];
    if (files.length > 0) props.onTake(files);
  };
  return (
    <>
      {props.problem !== undefined && (
        <pre class="record bad" role="alert">
          {props.problem}
        </pre>
      )}
      <p>Drop the folder of a service on this page, or choose it.</p>
      <div class="actions">
        <label class="quiet file">
          A folder…
          <input
            type="file"
            class="hidden"
            ref={(input) => input?.setAttribute("webkitdirectory", "")}
            onChange={onChange}
          />
        </label>
        <label class="quiet file">
          An archive, .tar.gz or .tar.zst…
          <input type="file" class="hidden" accept=".gz,.tgz,.zst" onChange={onChange} />
        </label>
      </div>
      <p class="muted">
        All files are sent, apart from .git and .env. The command lever deploy also leaves out what
        git ignores and what only development needs.
      </p>
    </>
  );
}

function Ready({ source }: { source: Source }): VNode {
  if (source.kind === "archive") {
    return (
      <p>
        The archive <b>{source.file.name}</b>, {bytes(source.file.size)}
      </p>
    );
  }
  return (
    <p>
      <b>{source.name}</b>, {count(source.files.length)} files, {bytes(source.bytes)}
    </p>
  );
}

function Sending({ source, sent }: { source: Source; sent: number }): VNode {
  const whole = source.kind === "folder" ? source.bytes : 0;
  return whole > 0 && sent < whole ? (
    <progress aria-label="Sent" max={whole} value={sent} />
  ) : (
    <p class="muted">It is unpacked, checked and started…</p>
  );
}

function Done({ report }: { report: DeployReport }): VNode {
  const { service, version, methods, warnings, times } = report;
  return (
    <>
      <p>
        Version {version} of <b>{service}</b> is live, after {duration(times.totalMs)}.{" "}
        <span class="muted">{methods.length} methods</span>
      </p>
      {warnings.map((text) => (
        <p key={text} class="muted">
          {text}
        </p>
      ))}
    </>
  );
}
