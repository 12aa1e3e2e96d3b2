import { dirname, posix, resolve } from "node:path";
import type { TsConfigJsonResolved } from "get-tsconfig";
import type { ArchiveLayout } from "./archive-layout.ts";

/** A tsconfig.json: where it is, and its path in the archive. */
interface Place {
  readonly source: string;
  readonly path: string;
  readonly layout: ArchiveLayout;
}

/**
 * Changes `paths` and `baseUrl` that lead out of the service folder, into packages of its workspace, to where the archive has
 * these. Those that lead out of the workspace are left out.
 */
export function withArchivedPaths(
  config: TsConfigJsonResolved,
  { source, path, layout }: Place,
): TsConfigJsonResolved {
  const { baseUrl, paths, ...options } = config.compilerOptions ?? {};
  if (baseUrl === undefined && paths === undefined) return config;
  const base = resolve(dirname(source), baseUrl ?? ".");
  const archivedBase = layout.isInFolder(base) ? baseUrl : undefined;
  const from = posix.join(posix.dirname(path), archivedBase ?? ".");
  const archived = (target: string): string[] => {
    const found = layout.pathOf(resolve(base, target));
    if (found === undefined) return [];
    const relative = posix.relative(from, found);
    return [relative.startsWith(".") ? relative : `./${relative}`];
  };
  const mapped = Object.entries(paths ?? {}).map(
    ([pattern, targets]) => [pattern, targets.flatMap(archived)] as const,
  );
  return {
    ...config,
    compilerOptions: {
      ...options,
      ...(archivedBase !== undefined && { baseUrl: archivedBase }),
      ...(paths !== undefined && { paths: Object.fromEntries(mapped) }),
    },
  };
}
