/** What a Ruby source asks for. `lazy`: inside a method, so it happens only when that is called. */
export type RubyEdge = {
  kind: "require" | "relative" | "load" | "autoload" | "nested" | "string" | "word" | "computed";
  name: string;
  lazy: boolean;
};

export type RubySource = { edges: RubyEdge[]; requiresBundle: boolean };

const maxLine = 4000; // longer ones are data or minified
const maxEdges = 5000;

const quoted = `(["'])([^"'#\\n]{1,200})`;
const call = new RegExp(`\\b(require|require_relative|require_dependency|load)\\b[\\s(]*${quoted}(\\2|#\\{)`, "g");
const beside =
  /\b(?:require|load)\b[\s(]*(?:File\.(?:expand_path|join)\s*\(?\s*)?(?:File\.dirname\(__FILE__\)|__dir__)?\s*[,+]?\s*(["'])([^"'#\n]{1,200})\1(\s*,\s*__FILE__)?/;
const inThisDirectory = /\b(?:require|load)\b[\s(]*"#\{(?:__dir__|File\.dirname\(__FILE__\))\}\/([^"#]{1,200})"/g;
const autoload = new RegExp(`\\bautoload[\\s(]+:?["']?(\\w+)["']?\\s*(?:,\\s*${quoted}\\2)?`, "g");
const text = /(["'])([A-Za-z0-9_][\w.+-]*(?:\/[\w.+-]+)*)\1/g;
const words = /%[wWiI][[({<]([^\])}>]{1,2000})/g;

/** The requires, loads, autoloads and path-like strings of a Ruby source. Reads line by line; never fails. */
export function scanRuby(source: string): RubySource {
  const found: RubySource = { edges: [], requiresBundle: false };
  let method: string | undefined; // indentation of the method that we are in
  let isComment = false;
  for (const line of source.split("\n")) {
    if (line.startsWith("__END__") || found.edges.length >= maxEdges) break;
    if (line.startsWith("=begin")) isComment = true;
    if (line.startsWith("=end")) isComment = false;
    if (isComment || line.length > maxLine || /^\s*(?:#|$)/.test(line)) continue;
    const indent = /^\s*/.exec(line)?.[0] ?? "";
    if (method === undefined && /^\s*(?:\w+\s+)?def\s/.test(line) && !/\bend\s*$|\)\s*=\s/.test(line)) method = indent;
    else if (method === indent && /^\s*end\b/.test(line)) method = undefined;
    scanLine(line, method !== undefined, found);
  }
  return found;
}

function scanLine(line: string, lazy: boolean, found: RubySource): void {
  const add = (kind: RubyEdge["kind"], name: string | undefined) => {
    if (name) found.edges.push({ kind, name, lazy });
  };
  found.requiresBundle ||= line.includes("Bundler.require");
  if (line.includes("require") || line.includes("load")) {
    for (const [, verb, , name, end] of line.matchAll(call)) {
      if (end === "#{") add("computed", name);
      else if (verb === "require_relative") add("relative", name);
      else add(verb === "load" ? "load" : "require", name);
    }
    for (const [, name] of line.matchAll(inThisDirectory)) add("relative", name);
    if (/__FILE__|__dir__/.test(line)) {
      const match = beside.exec(line);
      // Relative to the file itself, expand_path begins with a `..` that only leaves the file's name.
      add("relative", match?.[3] ? match[2]?.replace(/^\.\.\//, "") : match?.[2]?.replace(/^\/+/, ""));
    }
    for (const [, name, , path] of line.matchAll(autoload)) {
      if (path) add("autoload", path);
      else add("nested", name?.replace(/([a-z\d])([A-Z])/g, "$1_$2").toLowerCase());
    }
  }
  for (const [, , name] of line.matchAll(text)) add(name?.includes("/") ? "string" : "word", name);
  for (const [, list] of line.matchAll(words))
    for (const name of (list ?? "").split(/\s+/)) add(name.includes("/") ? "string" : "word", name);
}

/** Gems of a lock file with their versions and what they depend on, and the gems that are asked for directly. */
export type GemLock = { gems: Map<string, { versions: string[]; needs: string[] }>; asked: string[] };

/** Reads Gemfile.lock: its shape is fixed by Bundler's indentation. Unknown lines are passed over. */
export function parseGemLock(lock: string): GemLock {
  const found: GemLock = { gems: new Map(), asked: [] };
  let section = "";
  let gem: { versions: string[]; needs: string[] } | undefined;
  for (const line of lock.split("\n")) {
    const [, indent = "", name = "", version] = /^( *)([\w.-]+)!?(?: \(([^)]*)\))?/.exec(line) ?? [];
    if (indent === "" && name !== "") section = name;
    else if (section === "DEPENDENCIES" && indent.length === 2) found.asked.push(name);
    else if (/^(?:GEM|GIT|PATH)$/.test(section) && indent.length === 4 && version !== undefined) {
      gem = found.gems.get(name) ?? { versions: [], needs: [] };
      gem.versions.push(version);
      found.gems.set(name, gem);
    } else if (indent.length === 6) gem?.needs.push(name);
  }
  return found;
}

/** The gems that a Gemfile asks for in groups of development or test only. */
export function gemsForDevelopment(gemfile: string): Set<string> {
  const gems = new Set<string>();
  let group: { indent: string; isDevelopment: boolean } | undefined;
  const isDevelopment = (names: string) =>
    /\b(?:development|test|ci|lint|docs?)\b/.test(names) && !/\b(?:default|production)\b/.test(names);
  for (const line of gemfile.split("\n").filter((line) => line.length < maxLine)) {
    const opened = /^(\s*)group\b(.*)\bdo\b/.exec(line);
    if (opened) group = { indent: opened[1] ?? "", isDevelopment: isDevelopment(opened[2] ?? "") };
    else if (group && /^\s*end\b/.test(line) && /^\s*/.exec(line)?.[0] === group.indent) group = undefined;
    const [, name, rest = ""] = /^\s*gem[\s(]+["']([\w.-]+)["'](.*)/.exec(line) ?? [];
    const own = /\bgroups?:?\s*(?:=>)?\s*(\[[^\]]*\]|:\w+)/.exec(rest)?.[1];
    if (name && (group?.isDevelopment || (own !== undefined && isDevelopment(own)))) gems.add(name);
  }
  return gems;
}

/** The gems that a production start of the application may want: what its lock holds, without what only developing needs. */
export function productionGems({ gems, asked }: GemLock, development: ReadonlySet<string>): Set<string> {
  const wanted = new Set(asked.filter((name) => !development.has(name)));
  for (const name of wanted) for (const need of gems.get(name)?.needs ?? []) wanted.add(need); // grows as we walk it
  return wanted;
}

/** What an installed gemspec says (RubyGems writes them in one form): where its code is and what it needs at run time. */
export function parseGemspec(spec: string): { requirePaths: string[]; needs: string[] } {
  const paths = /\.require_paths = \[([^\]]{0,2000})\]/.exec(spec)?.[1] ?? "";
  const requirePaths = [...paths.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? "");
  const needs = [...spec.matchAll(/\.add_(?:runtime_)?dependency\(%q<([^>]{1,200})>/g)].map((match) => match[1] ?? "");
  return { requirePaths: requirePaths.length > 0 ? requirePaths : ["lib"], needs: [...new Set(needs)] };
}
