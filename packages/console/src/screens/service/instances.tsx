import type { InstanceDetails, ServiceDetails } from "@leveros/protocol";
import { useSignal } from "@preact/signals";
import type { VNode } from "preact";
import { useRef } from "preact/hooks";
import { admin, failureOf } from "../../data/admin.ts";
import { age, bytes, count, duration } from "../../format.ts";
import { say } from "../../frame/notice.tsx";
import { lazy } from "../../parts/lazy.tsx";
import { Sparkline } from "../../parts/sparkline.tsx";
import { environment, href } from "../../route.ts";

const POINTS = 60;
const MB = 1e6;

interface Course {
  readonly memory: readonly number[];
  readonly cpu: readonly number[];
  readonly cpuSeconds: number;
  readonly at: number;
}

const ProfileDialog = lazy(async () => (await import("./profile.tsx")).ProfileDialog);

export function Instances({ service: of }: { service: ServiceDetails }): VNode {
  const courses = useCourses(of.instances);
  const profiled = useSignal<string | undefined>(undefined);
  if (of.instances.length === 0) {
    return <p class="none muted">No instance runs. The next call starts one.</p>;
  }
  return (
    <section class="list" aria-label="Instances">
      <table class="rows">
        <thead>
          <tr>
            <th class="name">Instance</th>
            <th class="num w-s opt">Calls</th>
            <th class="num w-s opt">Streams</th>
            <th class="num w-m opt">Resources</th>
            <th class="w-s opt">Memory</th>
            <th class="num w-limited">
              <span class="opt">of its limit</span>
            </th>
            <th class="w-spark opt">Processor</th>
            <th class="num w-s opt">Age</th>
            <th class="num w-s opt">Start</th>
            <th class="w-actions">
              <span class="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {of.instances.map((instance) => (
            <Row
              key={instance.instance}
              instance={instance}
              course={courses.get(instance.instance)}
              onProfile={() => (profiled.value = instance.instance)}
            />
          ))}
        </tbody>
      </table>
      {profiled.value !== undefined && (
        <ProfileDialog instance={profiled.value} onClose={() => (profiled.value = undefined)} />
      )}
    </section>
  );
}

function Row(props: {
  instance: InstanceDetails;
  course: Course | undefined;
  onProfile: () => void;
}): VNode {
  const { instance: of, course, onProfile } = props;
  const { instance, state, memoryBytes, ram, start } = of;
  const isTight = memoryBytes > ram * MB * 0.9;
  const stop = (): void => {
    void admin("stopInstance", environment(), instance).then(
      () => say(`${instance} has stopped.`),
      (error: unknown) => say(failureOf(error).message),
    );
  };
  return (
    <tr>
      <td class="name" title={instance}>
        <i class={`dot ${state === "ready" ? "ok" : state === "unresponsive" ? "err" : "warn"}`} />
        {instance} <span class="muted">{state === "ready" ? "" : state}</span>
      </td>
      <td class="num opt">{count(of.callsInFlight)}</td>
      <td class="num opt">{count(of.streamsInFlight)}</td>
      <td class="num opt">{count(of.resources)}</td>
      <td class="opt">
        {course !== undefined && <Sparkline values={course.memory} label="Memory" />}
      </td>
      <td class={isTight ? "num bad" : "num"}>
        {bytes(memoryBytes)} <span class="muted opt">of {bytes(ram * MB)}</span>
      </td>
      <td class="opt">
        {course !== undefined && (
          <span class="with-number">
            <Sparkline values={course.cpu} label="Processor" />
            <span class="num">{((course.cpu.at(-1) ?? 0) * 100).toFixed(0)} %</span>
          </span>
        )}
      </td>
      <td class="num opt muted">{age(of.startedAt, Date.now())}</td>
      <td class="num opt muted" title={start?.isWarm === true ? "warm" : "cold"}>
        {start !== undefined && duration(start.prepareMs + start.launchMs + start.loadMs)}
      </td>
      <td class="row-actions">
        <a href={href(["logs"], { instance })}>Logs</a>
        <button type="button" class="as-link" onClick={onProfile}>
          Profile…
        </button>
        <button type="button" class="as-link" onClick={stop}>
          Stop
        </button>
      </td>
    </tr>
  );
}

/** The numbers of each instance since the page shows them. */
function useCourses(instances: readonly InstanceDetails[]): ReadonlyMap<string, Course> {
  const kept = useRef<ReadonlyMap<string, Course>>(new Map());
  const seen = useRef<readonly InstanceDetails[]>([]);
  if (seen.current === instances) return kept.current;
  seen.current = instances;
  const at = performance.now();
  kept.current = new Map(
    instances.map(({ instance, memoryBytes, cpuSeconds = 0 }) => {
      const before = kept.current.get(instance);
      const seconds = before === undefined ? 0 : (at - before.at) / 1_000;
      const cpu = seconds === 0 ? 0 : (cpuSeconds - (before?.cpuSeconds ?? 0)) / seconds;
      return [
        instance,
        {
          memory: [...(before?.memory ?? []), memoryBytes].slice(-POINTS),
          cpu: [...(before?.cpu ?? []), Math.max(0, cpu)].slice(-POINTS),
          cpuSeconds,
          at,
        },
      ];
    }),
  );
  return kept.current;
}
