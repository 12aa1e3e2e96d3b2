import type ts from "typescript6";

/** Returns the specifier to write instead; undefined = it stays. */
type Rewrite = (specifier: string, from: string) => string | undefined;

/**
 * A step after TypeScript's own: changes the specifiers of imports, of `require` and `import()`, and of
 * `new URL(…, import.meta.url)`, where they are literals.
 */
export function rewriteSpecifiers(
  compiler: typeof ts,
  rewrite: Rewrite,
): ts.TransformerFactory<ts.SourceFile> {
  return (context) => (source) => {
    const { factory } = context;
    const changed = (node: ts.Expression | undefined): ts.StringLiteral | undefined => {
      if (node === undefined || !compiler.isStringLiteralLike(node)) return undefined;
      const specifier = rewrite(node.text, source.fileName);
      return specifier === undefined ? undefined : factory.createStringLiteral(specifier);
    };
    const visit = (node: ts.Node): ts.Node => {
      if (compiler.isImportDeclaration(node)) {
        const specifier = changed(node.moduleSpecifier);
        if (specifier === undefined) return node;
        const { modifiers, importClause, attributes } = node;
        return factory.updateImportDeclaration(
          node,
          modifiers,
          importClause,
          specifier,
          attributes,
        );
      }
      if (compiler.isExportDeclaration(node)) {
        const specifier = changed(node.moduleSpecifier);
        if (specifier === undefined) return node;
        const { modifiers, isTypeOnly, exportClause, attributes } = node;
        return factory.updateExportDeclaration(
          node,
          modifiers,
          isTypeOnly,
          exportClause,
          specifier,
          attributes,
        );
      }
      const visited = compiler.visitEachChild(node, visit, context);
      if (compiler.isCallExpression(visited) && isImport(compiler, visited)) {
        const [first, ...rest] = visited.arguments;
        const specifier = changed(first);
        if (specifier === undefined) return visited;
        const { expression, typeArguments } = visited;
        return factory.updateCallExpression(visited, expression, typeArguments, [
          specifier,
          ...rest,
        ]);
      }
      if (compiler.isNewExpression(visited) && isModuleUrl(compiler, visited)) {
        const [first, ...rest] = visited.arguments ?? [];
        const specifier = changed(first);
        if (specifier === undefined) return visited;
        const { expression, typeArguments } = visited;
        return factory.updateNewExpression(visited, expression, typeArguments, [
          specifier,
          ...rest,
        ]);
      }
      return visited;
    };
    return compiler.visitEachChild(source, visit, context);
  };
}

/** `import(…)`, `require(…)`, `require.resolve(…)`, and TypeScript's own `__require(…)`. */
function isImport(compiler: typeof ts, { expression }: ts.CallExpression): boolean {
  if (expression.kind === compiler.SyntaxKind.ImportKeyword) return true;
  const called =
    compiler.isPropertyAccessExpression(expression) && expression.name.text === "resolve"
      ? expression.expression
      : expression;
  return compiler.isIdentifier(called) && /^(?:__)?require$/.test(called.text);
}

/** `new URL(…, import.meta.url)` */
function isModuleUrl(
  compiler: typeof ts,
  { expression, arguments: given }: ts.NewExpression,
): boolean {
  const base = given?.[1];
  return (
    compiler.isIdentifier(expression) &&
    expression.text === "URL" &&
    base !== undefined &&
    compiler.isPropertyAccessExpression(base) &&
    base.name.text === "url" &&
    compiler.isMetaProperty(base.expression)
  );
}
