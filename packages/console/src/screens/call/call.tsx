import type { MethodSignature } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useEffect } from "preact/hooks";
import { useCalled } from "../../data/hooks.ts";
import { Copy } from "../../parts/copy.tsx";
import { Icon } from "../../parts/icon.tsx";
import { JsonEditor } from "../../parts/json-editor.tsx";
import { jsonProblem } from "../../parts/json-text.ts";
import { modifier } from "../../parts/modifier.ts";
import { environment, place, setQuery } from "../../route.ts";
import { Answer, type Outcome } from "./answer.tsx";
import { asCurl, asInvoke, type CallTarget, makeCall } from "./make-call.ts";
import { Stream } from "./stream.tsx";

const SERVICES_MAX = 100;

export function CallScreen(): VNode {
  const { query } = place.value;
  const [service = "", method = ""] = (query.get("m") ?? "").split("/");
  const services = useCalled("findServices", [environment(), { count: SERVICES_MAX }]);
  const names = (services.value?.rows ?? []).map((row) => row.service);
  const chosen = service === "" ? (names[0] ?? "") : service;
  const all = names.includes(chosen) || chosen === "" ? names : [chosen, ...names];
  return (
    <div class="screen call">
      <h1 class="hidden">Call a method</h1>
      {chosen === "" ? (
        <p class="none muted">There is no service to call in {environment()}.</p>
      ) : (
        <Method key={chosen} services={all} service={chosen} method={method} />
      )}
    </div>
  );
}

function Method(props: { services: readonly string[]; service: string; method: string }): VNode {
  const { services, service } = props;
  const { value } = useCalled("getService", [environment(), service]);
  const methods = (value?.methods ?? []).filter((name) => name !== "fetch");
  const method = props.method === "" ? (methods[0] ?? "") : props.method;
  const resource = place.value.query.get("r") ?? "";
  const target = { environment: environment(), service, resource, method };
  return (
    <>
      <div class="tools">
        <Choice
          label="Service"
          options={services}
          value={service}
          onChange={(to) => setQuery({ m: to })}
        />
        <Choice
          label="Method"
          options={methods.includes(method) || method === "" ? methods : [method, ...methods]}
          value={method}
          onChange={(to) => setQuery({ m: `${service}/${to}` })}
        />
        <label class="field-line">
          <span class="label">Resource</span>
          <input
            value={resource}
            placeholder="none"
            onInput={({ currentTarget }) => setQuery({ r: currentTarget.value })}
          />
        </label>
      </div>
      {method !== "" && (
        <Request key={`${service}/${method}`} target={target} version={value?.version} />
      )}
    </>
  );
}

function Choice(props: {
  label: string;
  options: readonly string[];
  value: string;
  onChange: (value: string) => void;
}): VNode {
  const { label, options, value, onChange } = props;
  return (
    <label class="field-line">
      <span class="label">{label}</span>
      <span class="choice">
        <select value={value} onChange={({ currentTarget }) => onChange(currentTarget.value)}>
          {options.map((option) => (
            <option key={option} value={option}>
              {option}
            </option>
          ))}
        </select>
        <Icon name="down" />
      </span>
    </label>
  );
}

const EMPTY = "[]";

function useSignature(
  target: CallTarget,
  version: number | undefined,
): MethodSignature | undefined {
  const { environment: of, service, method } = target;
  const found = useSignal<MethodSignature | undefined>(undefined);
  useEffect(() => {
    if (version === undefined) return;
    void import("./signature.ts")
      .then(({ findSignature }) => findSignature({ environment: of, service, version }, method))
      .then((signature) => (found.value = signature))
      .catch(() => {});
  }, [version]);
  return found.value;
}

/** The last arguments of each method stay for this tab. */
const storedKey = ({ service, method }: CallTarget): string => `lever-args ${service}/${method}`;

function Request(props: { target: CallTarget; version: number | undefined }): VNode {
  const { target, version } = props;
  const text = useSignal(window.sessionStorage.getItem(storedKey(target)) ?? EMPTY);
  const signature = useSignature(target, version);
  useEffect(() => {
    const { args = [] } = signature ?? {};
    if (text.value === EMPTY && args.length > 0) text.value = `[${args.join(", ")}]`;
  }, [signature]);
  const outcome = useSignal<Outcome>({ state: "none" });
  const isStream = /(?:Chan|_chan)$|^chan$/.test(target.method);
  const problem = jsonProblem(text.value);
  const isList = problem === undefined && Array.isArray(JSON.parse(text.value));
  const send = async (args: string | Blob): Promise<void> => {
    outcome.value = { state: "waiting" };
    try {
      outcome.value = { state: "answered", answer: await makeCall(target, args) };
    } catch (error) {
      outcome.value = { state: "failed", message: String(error) };
    }
  };
  const call = (): void => {
    if (!isList) return;
    window.sessionStorage.setItem(storedKey(target), text.value);
    if (!isStream) void send(text.value);
  };
  return (
    <div class="two">
      <section aria-label="Arguments">
        <h2 class="label">Arguments, a JSON list</h2>
        <JsonEditor
          id="arguments"
          label="Arguments, a JSON list"
          text={text.value}
          onChange={(to) => (text.value = to)}
          onSend={call}
        />
        {signature !== undefined && (
          <p class="signature">
            {target.method}({signature.parameters.join(", ")})
            {signature.hasResource && target.resource === "" && (
              <span class="muted">, called with a resource</span>
            )}
          </p>
        )}
        <p class="hint" role="status">
          {problem !== undefined && (
            <span class="bad">
              line {problem.line}, column {problem.column}: {problem.message}
            </span>
          )}
          {problem === undefined && !isList && (
            <span class="bad">Arguments are a list: ["world", 2]</span>
          )}
        </p>
        <div class="actions">
          {!isStream && (
            <>
              <button
                type="button"
                class="primary"
                disabled={!isList || outcome.value.state === "waiting"}
                onClick={call}
              >
                Call <kbd>{modifier} ↵</kbd>
              </button>
              <label class="quiet file">
                <Icon name="up" />
                Send a file
                <input
                  type="file"
                  class="hidden"
                  onChange={({ currentTarget }) => {
                    const [file] = currentTarget.files ?? [];
                    if (file !== undefined) void send(file);
                  }}
                />
              </label>
              <Copy text={asCurl(target, text.value)} label="As curl" />
            </>
          )}
          <Copy text={asInvoke(target, text.value, isStream)} label="As command" />
        </div>
      </section>
      {isStream ? (
        <Stream target={target} args={isList ? (JSON.parse(text.value) as unknown[]) : undefined} />
      ) : (
        <Answer outcome={outcome.value} />
      )}
    </div>
  );
}
