import type { ChangedFile } from "@leveros/protocol";
import type { VNode } from "preact";
import { type Loaded, useCalled } from "../../data/hooks.ts";
import { bytes, count } from "../../format.ts";
import { Failed } from "../../parts/empty.tsx";
import { Icon } from "../../parts/icon.tsx";
import { environment, href, place, setQuery } from "../../route.ts";
import { lineDiff } from "./line-diff.ts";

/** Lines of a file that are shown. */
const LINES_MAX = 3_000;

interface Compared {
  readonly service: string;
  readonly before: number;
  readonly version: number;
}

/** The files that differ between two versions, and the lines of one of them. */
export function Changes({ service, before, version }: Compared): VNode {
  const { value, failure } = useCalled("compareVersions", [
    environment(),
    service,
    before,
    version,
  ]);
  if (failure !== undefined) return <Failed {...failure} />;
  if (value === undefined) return <div aria-busy="true" />;
  // How it runs precedes what it runs.
  const files = [...value.files].sort((a, b) => Number(isMain(b)) - Number(isMain(a)));
  const asked = place.value.query.get("file");
  const shown = files.find(({ path }) => path === asked) ?? files[0];
  return (
    <section class="list" aria-label="Changes">
      <div class="tools">
        <h2>
          v{before} → v{version}
        </h2>
        <span class="muted">
          {count(files.length + value.more)} {files.length === 1 ? "file differs" : "files differ"}
        </span>
        <a class="quiet end" href={href(["s", service, "versions"])}>
          <Icon name="close" />
          All versions
        </a>
      </div>
      {shown === undefined ? (
        <p class="none muted">Both versions have the same files.</p>
      ) : (
        <div class="changes">
          <nav aria-label="Changed files">
            {files.map((file) => (
              <button
                key={file.path}
                type="button"
                data-row
                aria-current={file === shown ? "true" : undefined}
                title={file.path}
                onClick={() => setQuery({ file: file.path })}
              >
                <b class={kindOf(file)}>{marks[kindOf(file)]}</b>
                <span>{file.path}</span>
              </button>
            ))}
            {value.more > 0 && <p class="muted">and {count(value.more)} more</p>}
          </nav>
          <File key={shown.path} file={shown} of={{ service, before, version }} />
        </div>
      )}
    </section>
  );
}

const isMain = ({ path }: ChangedFile): boolean => path === "lever.json";

const marks = { added: "+", removed: "−", changed: "·" };

function kindOf({ before, after }: ChangedFile): keyof typeof marks {
  if (before === null) return "added";
  return after === null ? "removed" : "changed";
}

function File({ file, of }: { file: ChangedFile; of: Compared }): VNode {
  const { path, before, after } = file;
  const old = useText(of.service, before === null ? undefined : of.before, path);
  const now = useText(of.service, after === null ? undefined : of.version, path);
  const failure = old.failure ?? now.failure;
  if (failure !== undefined) return <Failed {...failure} />;
  if (old.value === undefined || now.value === undefined) return <div aria-busy="true" />;
  const sizes = [before, after].map((size) => (size === null ? "none" : bytes(size))).join(" → ");
  return (
    <div class="diff">
      <p class="muted">
        {path}, {sizes}
      </p>
      {old.value === null || now.value === null ? (
        <p class="none muted">It is no text, or has more than 256 KiB.</p>
      ) : (
        <Lines before={old.value} after={now.value} />
      )}
    </div>
  );
}

/** The text of a file of a version: `""` without a version, null for a file that is not shown. */
function useText(
  service: string,
  version: number | undefined,
  path: string,
): Loaded<string | null> {
  const { value, failure } = useCalled(
    "readFile",
    version === undefined ? undefined : [environment(), service, version, path],
  );
  return { value: version === undefined ? "" : value?.text, failure };
}

function Lines({ before, after }: { before: string; after: string }): VNode {
  const parts = lineDiff(before, after);
  if (parts.length === 0)
    return (
      <p class="none muted">Its lines are the same: its mode, or where it leads, has changed.</p>
    );
  let left = LINES_MAX;
  return (
    <table class="diff-lines">
      {parts.map((part, index) => {
        const shown = part.slice(0, Math.max(0, left));
        left -= shown.length;
        return (
          <tbody key={index}>
            {shown.map(({ kind, text, before: old, after: now }) => (
              <tr key={`${old ?? ""}-${now ?? ""}`} class={kind}>
                <td class="number">{old}</td>
                <td class="number">{now}</td>
                <td class="sign">{{ same: "", removed: "−", added: "+" }[kind]}</td>
                <td class="text">{text}</td>
              </tr>
            ))}
          </tbody>
        );
      })}
    </table>
  );
}
