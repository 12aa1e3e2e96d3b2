import { expect, it } from "vitest";
import { seccompFilter } from "./seccomp.ts";

interface Rule {
  readonly names: readonly string[];
  readonly action: string;
  readonly errnoRet?: number;
  readonly args?: readonly { index: number; value: number; valueTwo?: number; op: string }[];
}

const { syscalls, ...defaults } = seccompFilter("x64") as { syscalls: Rule[] };
const rulesOf = (name: string): Rule[] => syscalls.filter(({ names }) => names.includes(name));
const unconditional = syscalls.find(({ action, args }) => action === "SCMP_ACT_ALLOW" && !args);

it("a system call without a rule fails with EPERM", () => {
  expect(defaults).toEqual({
    defaultAction: "SCMP_ACT_ERRNO",
    defaultErrnoRet: 1,
    architectures: ["SCMP_ARCH_X86_64"],
  });
});

it.each([
  ["x64", { architectures: ["SCMP_ARCH_X86_64"] }],
  ["arm64", { architectures: ["SCMP_ARCH_AARCH64"] }],
])("on %s only its native calls are allowed", (arch, expected) => {
  expect(seccompFilter(arch)).toMatchObject(expected);
});

it("an architecture without a name of its own gets the default of the container runtime", () => {
  expect(seccompFilter("riscv64")).not.toHaveProperty("architectures");
});

it.each([
  "bpf",
  "io_uring_setup",
  "keyctl",
  "mount",
  "perf_event_open",
  "ptrace",
  "setns",
  "sync",
  "unshare",
])("%s has no rule", (name) => {
  expect(rulesOf(name)).toEqual([]);
});

it.each(["clone", "fcntl", "setrlimit", "prlimit64", "socket", "socketpair"])(
  "%s is allowed for certain arguments only",
  (name) => {
    expect(unconditional?.names).not.toContain(name);
    expect(rulesOf(name).length).toBeGreaterThan(0);
    for (const { args } of rulesOf(name)) expect(args?.length).toBeGreaterThan(0);
  },
);

it.each(["clone3", "inotify_init", "inotify_init1"])("%s seems not to exist", (name) => {
  expect(rulesOf(name)).toEqual([
    { names: ["inotify_init", "inotify_init1", "clone3"], action: "SCMP_ACT_ERRNO", errnoRet: 38 },
  ]);
});

it("a process may be cloned only without new namespaces", () => {
  expect(rulesOf("clone")[0]?.args).toEqual([
    { index: 0, value: 0x7e_02_00_80, valueTwo: 0, op: "SCMP_CMP_MASKED_EQ" },
  ]);
});

it("fcntl allows each known command but F_NOTIFY", () => {
  const F_NOTIFY = 1_026;
  const [range, ...single] = rulesOf("fcntl").map(({ args = [] }) => args[0]);
  expect(range).toMatchObject({ op: "SCMP_CMP_LE", value: F_NOTIFY - 1 });
  expect(single.map((arg) => arg?.value)).not.toContain(F_NOTIFY);
});

it("no limit on core files may be set", () => {
  const RLIMIT_CORE = 4;
  expect(
    rulesOf("setrlimit").flatMap(({ args = [] }) => args.map(({ value }) => value)),
  ).not.toContain(RLIMIT_CORE);
});

it("each allowed call is named once", () => {
  const names = unconditional?.names ?? [];
  expect(names.length).toBe(new Set(names).size);
});
