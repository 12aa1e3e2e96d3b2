import { readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, posix, relative, sep } from "node:path";
import type { FirstCall, Template } from "./templates.ts";

/** Files of an example that are about this repository, or that a project has of its own. */
const LEFT_OUT = /^(?:README\.md|caller\.ts|package\.json|package-lock\.json)$/;
const SCHEMA = "node_modules/@leveros/protocol/lever-schema.json";
const TYPESCRIPT = "^7.0.2";
const NODE_TYPES = "^24.0.0";

export interface ProjectOptions {
  /** The folder of the template's example. */
  readonly example: string;
  /** The name of the service, unless other files of the template name it. */
  readonly service: string;
  /** The version of Lever. */
  readonly version: string;
}

/** The files of a new project: paths with `/`, and their texts. */
export function projectFiles(
  template: Template,
  { example, service, version }: ProjectOptions,
): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const entry of readdirSync(example, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || LEFT_OUT.test(entry.name)) continue;
    const file = join(entry.parentPath, entry.name);
    const path = relative(example, file).split(sep).join("/");
    const text = readFileSync(file, "utf8");
    files.set(
      path,
      entry.name === "lever.json" ? leverJson(path, text, { template, service }) : text,
    );
  }
  const isTypeScript = template.module !== undefined;
  const call = { ...template.call, ...(!template.keepsName && { service }) };
  files.set(`service.test.${isTypeScript ? "ts" : "mjs"}`, testOf(call, template.module));
  files.set("package.json", json(manifestOf({ isTypeScript, version })));
  if (isTypeScript) files.set("tsconfig.json", json(TSCONFIG));
  files.set(".gitignore", "node_modules\n.lever\n.env\n");
  return files;
}

function leverJson(
  path: string,
  text: string,
  { template, service }: { template: Template; service: string },
): string {
  const fields = JSON.parse(text) as object;
  const $schema = posix.join(posix.relative(dirname(path), "."), SCHEMA);
  const name = template.keepsName ? {} : { name: service };
  return json({ $schema: $schema.startsWith(".") ? $schema : `./${$schema}`, ...fields, ...name });
}

const TSCONFIG = {
  compilerOptions: {
    target: "es2024",
    module: "nodenext",
    strict: true,
    noEmit: true,
    allowImportingTsExtensions: true,
    erasableSyntaxOnly: true,
    skipLibCheck: true,
    types: ["node"],
  },
};

function manifestOf({ isTypeScript, version }: { isTypeScript: boolean; version: string }): object {
  return {
    private: true,
    ...(isTypeScript && { type: "module" }),
    scripts: { dev: "lever dev", test: "node --test", ...(isTypeScript && { check: "tsc" }) },
    devDependencies: {
      "@leveros/cli": `^${version}`,
      ...(isTypeScript && { "@types/node": NODE_TYPES }),
      leveros: `^${version}`,
      ...(isTypeScript && { typescript: TYPESCRIPT }),
    },
  };
}

function testOf({ service, resource, method, args, result }: FirstCall, module?: string): string {
  const type = module === undefined ? "" : `<typeof import("./${module}")>`;
  const callee =
    resource === undefined
      ? `lever.service${type}("${service}")`
      : `lever.client.resource${type}("dev.lever", "${service}", "${resource}")`;
  const words = [JSON.stringify(method), ...args.map((arg) => JSON.stringify(arg))].join(", ");
  return `import assert from "node:assert/strict";
import { after, afterEach, test } from "node:test";
import { startLever } from "leveros/testing";

const lever = await startLever({ dir: import.meta.dirname });
after(() => lever.close());
afterEach(lever.reportFailedTest);

test("${method} answers", async () => {
  const ${variableOf(service)} = ${callee};
  assert.deepEqual(await ${variableOf(service)}.invoke(${words}), ${JSON.stringify(result)});
});
`;
}

/** The name of the service where it can be that of a variable. */
function variableOf(service: string): string {
  return /^[a-z]\w*$/i.test(service) && service !== "lever" ? service : "service";
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** The name that a service gets from its folder; undefined = the folder's name is none for a service. */
export function serviceNameOf(folder: string): string | undefined {
  const name = basename(folder);
  return /^[A-Za-z0-9_~-][A-Za-z0-9_.~-]{2,254}$/.test(name) ? name : undefined;
}
