import { describe, expect, it } from "vitest";
import { dateChangelog } from "./changelog.ts";
import { type Package, publishOrder, repositoryUrl, withVersion } from "./packages.ts";
import { planRelease } from "./plan-release.ts";
import { checkVersion } from "./versions.ts";

const packageOf = (name: string, dependencies: readonly string[] = []): Package => ({
  path: `packages/${name}/package.json`,
  manifest: {
    name,
    version: "0.1.0",
    dependencies: Object.fromEntries(dependencies.map((of) => [of, "0.1.0"])),
  },
});
const packages = [
  packageOf("cli", ["host", "client", "commander"]),
  packageOf("client", ["protocol"]),
  packageOf("host", ["protocol"]),
  packageOf("protocol"),
];
const changelog =
  "# Changelog\n\n## Unreleased\n\n### Added\n\n- A thing.\n\n## 0.0.9 - 2026-01-01\n";

describe("the order of packages", () => {
  it("has each package after those that it depends on", () => {
    const names = publishOrder(packages).map(({ manifest }) => manifest.name);
    expect(names).toEqual(["protocol", "client", "host", "cli"]);
  });

  it("does not exist for a circle", () => {
    const circle = [packageOf("a", ["b"]), packageOf("b", ["a"])];
    expect(() => publishOrder(circle)).toThrow("depend on a circle");
  });
});

it("a manifest gets the version, also in its dependencies on the other packages", () => {
  const manifest = {
    name: "cli",
    version: "0.1.0",
    type: "module",
    dependencies: { host: "0.1.0", commander: "15.1.0" },
    devDependencies: { client: "0.1.0" },
    bin: {},
  };
  const text = withVersion(manifest, "0.2.0", { names: new Set(["cli", "host", "client"]) });
  expect(text.endsWith("}\n")).toBe(true);
  expect(Object.keys(JSON.parse(text))).toEqual(Object.keys(manifest));
  expect(JSON.parse(text)).toEqual({
    ...manifest,
    version: "0.2.0",
    dependencies: { host: "0.2.0", commander: "15.1.0" },
    devDependencies: { client: "0.2.0" },
  });
});

describe("the repository of a package", () => {
  it.each([
    "https://git.example/lever/lever",
    "https://git.example/lever/lever.git",
    "git@git.example:lever/lever.git",
    "ssh://git@git.example/lever/lever",
  ])("has the public URL of the remote %s", (remote) => {
    expect(repositoryUrl(remote)).toBe("git+https://git.example/lever/lever.git");
  });

  it.each(["", "/srv/lever", "file:///srv/lever", "https://ada:secret@git.example/lever"])(
    "is not the remote %j",
    (remote) => {
      expect(() => repositoryUrl(remote)).toThrow("Set it with: git remote add origin URL");
    },
  );

  it("is in its manifest with the folder", () => {
    const repository = { url: "git+https://git.example/lever.git", directory: "packages/cli" };
    const text = withVersion({ name: "cli", version: "0.1.0" }, "0.2.0", {
      names: new Set(),
      repository,
    });
    expect(JSON.parse(text).repository).toEqual({ type: "git", ...repository });
  });
});

describe("the changelog", () => {
  const dated = { version: "0.1.0", date: "2026-03-01" };

  it("has the entries under the version, and an empty Unreleased above", () => {
    expect(dateChangelog(changelog, dated)).toBe(
      "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2026-03-01\n\n### Added\n\n- A thing.\n\n## 0.0.9 - 2026-01-01\n",
    );
  });

  it.each([
    ["# Changelog\n", "no section"],
    ["## Unreleased\n\n## 0.0.9 - 2026-01-01\n", "is empty"],
    ["## Unreleased\n- A\n\n## 0.1.0 - 2026-01-01\n", "a section for 0.1.0 already"],
  ])("is refused as %j", (text, reason) => {
    expect(() => dateChangelog(text, dated)).toThrow(reason);
  });
});

describe("a version", () => {
  it.each([
    ["0.1.0", "0.1.0"],
    ["0.2.0", "0.1.9"],
    ["1.0.0", "0.9.9"],
  ])("%s may follow %s", (version, current) => {
    expect(() => checkVersion(version, { current, tags: [] })).not.toThrow();
  });

  it.each([
    ["0.1", "0.1.0", "is like 1.2.3"],
    ["v0.1.0", "0.1.0", "is like 1.2.3"],
    ["0.0.9", "0.1.0", "the packages have 0.1.0 already"],
    ["0.1.0", "0.1.0", "there is a tag v0.1.0 already"],
  ])("%s may not follow %s: %s", (version, current, reason) => {
    expect(() => checkVersion(version, { current, tags: ["v0.1.0"] })).toThrow(reason);
  });
});

describe("the plan", () => {
  const commands = (isPublished: boolean): readonly string[] =>
    planRelease({
      version: "0.1.0",
      date: "2026-03-01",
      packages,
      changelog,
      isPublished,
      hasProvenance: false,
    }).map((step) => (step.type === "run" ? step.command.join(" ") : `write ${step.path}`));

  it("checks first, then writes, commits and tags, and publishes nothing by itself", () => {
    expect(commands(false)).toEqual([
      "npm run build",
      "npm run check",
      "npm run conform",
      "node --conditions=lever-source bench/guard.ts",
      "write packages/cli/package.json",
      "write packages/client/package.json",
      "write packages/host/package.json",
      "write packages/protocol/package.json",
      "write CHANGELOG.md",
      "npm install --package-lock-only --ignore-scripts --no-audit --no-fund",
      "git commit --all --message Release 0.1.0",
      "git tag --annotate v0.1.0 --message Release 0.1.0",
      "npm run archive -- dist",
    ]);
  });

  it("publishes in the order of dependencies when that is asked for", () => {
    expect(commands(true).slice(-4)).toEqual(
      ["protocol", "client", "host", "cli"].map(
        (name) => `npm publish --workspace ${name} --access public`,
      ),
    );
  });
});
