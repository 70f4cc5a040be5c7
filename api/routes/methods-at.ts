/** The methods that some route takes at `path`, sorted. Middleware, which takes all, does not count. */
export function methodsAt(routes: readonly { method: string; path: string }[], path: string): string[] {
  const fitting = routes.filter((route) => route.method !== "ALL" && patternOf(route.path).test(path));
  return [...new Set(fitting.map(({ method }) => method))].sort();
}

/** Of a path as Hono has them: `/jobs/:id`, `/images/:repository{.+}`. */
function patternOf(path: string): RegExp {
  const parts = path.split("/").map((part) => {
    const [, own] = /^:\w+(?:\{(.*)\})?$/.exec(part) ?? [part, undefined];
    if (part.startsWith(":")) return own ?? "[^/]+";
    return part.replaceAll(/[.*+?^${}()|[\]\\]/g, "\\$&");
  });
  return new RegExp(`^${parts.join("/")}$`);
}
