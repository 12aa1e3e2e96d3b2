/** The files of a package import one another without cycles, also for types: they can be read one after the other. */
import { importedPath, importsOf } from "./imports.ts";
import { type Fault, isTest, type Repository } from "./repository.ts";

export function importCycleFaults({ sources }: Pick<Repository, "sources">): readonly Fault[] {
  const graph = new Map(
    sources
      .filter((file) => !isTest(file))
      .map((file) => [
        file.path,
        importsOf(file).flatMap(({ specifier }) => importedPath(file, specifier) ?? []),
      ]),
  );
  return findCycles(graph).map(([first = "", ...others]) => ({
    path: first,
    line: 1,
    reason: `imports itself by way of ${others.join(", ")}`,
  }));
}

/** The groups of nodes that reach one another (strongly connected components of more than one node), by Tarjan. */
export function findCycles(
  graph: ReadonlyMap<string, readonly string[]>,
): readonly (readonly string[])[] {
  const cycles: string[][] = [];
  const order = new Map<string, number>();
  const lowest = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();

  const visit = (node: string): number => {
    const number = order.size;
    order.set(node, number);
    stack.push(node);
    onStack.add(node);
    let low = number;
    for (const next of graph.get(node) ?? []) {
      if (!graph.has(next)) continue;
      if (!order.has(next)) low = Math.min(low, visit(next));
      else if (onStack.has(next)) low = Math.min(low, order.get(next) ?? low);
    }
    lowest.set(node, low);
    if (low === number) {
      const group = stack.splice(stack.indexOf(node));
      for (const member of group) onStack.delete(member);
      if (group.length > 1) cycles.push(group.sort());
    }
    return low;
  };

  for (const node of graph.keys()) if (!order.has(node)) visit(node);
  return cycles;
}
