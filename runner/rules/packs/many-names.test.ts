import { expect, it } from "vitest";
import { foldPaths } from "../../profiles/fold-paths.ts";
import { finder } from "./config-place.ts";
import { nginx } from "./config-web.ts";
import { parseJavaCommand } from "./java-command.ts";
import { aPackContext } from "./pack.builder.ts";
import { pythonImports } from "./python-imports.ts";
import { parseSupervisor } from "./supervisor.ts";

// A call takes some 120,000 arguments and throws with more: what an image holds is never handed on as arguments.
const many = 200_000;
const words = (word: string, between: string) => `${word}${between}`.repeat(many);

const configured = (format: typeof nginx, text: string) => {
  const scope = { base: "/etc/app", variables: new Map(), path: "/etc/app/x.conf", isMain: false };
  return format.references(text, { ...scope, context: aPackContext({}) }).length;
};

it.each<[string, () => number]>([
  ["a class path", () => parseJavaCommand(["-cp", words("a", ":")]).paths.length],
  ["a list of exported names", () => pythonImports(`__all__ = [${words('"a"', ",")}]`).all.length],
  ["the files that supervisord includes", () => parseSupervisor(`[include]\nfiles = ${words("a", " ")}`).files.length],
  ["the places of nginx's Lua modules", () => configured(nginx, `lua_package_path "${words("/a", ";")}";`)],
  ["directories in a profile", () => foldPaths(Array.from({ length: many }, (_, at) => `/data/${at}/f`)).length],
])("%s may be of any length", (_what, count) => {
  expect(count()).toBeGreaterThanOrEqual(many);
});

it("a pattern may stand for any number of names, of which the first count", () => {
  const names = Array.from({ length: 150_000 }, (_, at) => `${at}.conf`);
  const context = aPackContext({ "/etc/app/conf.d/0.conf": "" });
  const children = new Map([...context.children, ["/etc/app/conf.d", names]]);
  expect(finder({ ...context, children })("/etc/app/conf.d/*.conf")).toEqual(["/etc/app/conf.d/0.conf"]);
});
