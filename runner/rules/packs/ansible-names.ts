/** Names in the text of playbooks, roles, templates, inventories and settings. */
export type AnsibleNames = {
  /** `namespace.collection`, with the rest of a plugin's full name: "" where the collection alone is named. */
  full: ReadonlyMap<string, ReadonlySet<string>>;
  /** Names of one word by the kind of plugin that is looked for where they stand: `modules ini_file`, `filter ipaddr`. */
  short: ReadonlySet<string>;
};

const fullName =
  /(?<![\w./-])(?:ansible_collections\.)?([a-z_]\w{0,60}\.[a-z_]\w{0,60})(?:\.(\w{1,60}(?:\.\w{1,60}){0,4}))?/g;

/** Where a short name is a plugin, and of which kinds. The kinds are those of `plugin_routing`. */
const places: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^[ \t-]*["']?([a-z_]\w{0,60})["']?[ \t]*:/gm, ["modules", "action"]],
  [/\baction["']?[ \t]*:[ \t]*["']?(\w{1,60})/g, ["modules", "action"]],
  [/\|[ \t]*([a-z_]\w{0,60})/g, ["filter"]],
  [/\bis[ \t]+(?:not[ \t]+)?([a-z_]\w{0,60})/g, ["test"]],
  [/\b(?:lookup|query|q)\([ \t]*["'](\w{1,60})/g, ["lookup"]],
  [/\bwith_(\w{1,60})[ \t]*:/g, ["lookup"]],
  [/\bconnection["']?[ \t]*[:=][ \t]*["']?(\w{1,60})/g, ["connection"]],
  [/\btransport[ \t]*=[ \t]*(\w{1,60})/g, ["connection"]],
  [/\bbecome_method["']?[ \t]*[:=][ \t]*["']?(\w{1,60})/g, ["become"]],
  [/\bnetwork_os["']?[ \t]*[:=][ \t]*["']?(\w{1,60})/g, ["cliconf", "terminal", "netconf", "httpapi", "action"]],
  [
    /\b(?:stdout_callback|fact_caching|plugin)["']?[ \t]*[:=][ \t]*["']?(\w{1,60})/g,
    ["callback", "cache", "inventory"],
  ],
];

/** Lists of names in the settings: `callbacks_enabled = timer, mail`. */
const lists: readonly (readonly [RegExp, string])[] = [
  [/^[ \t]*callbacks?_(?:enabled|whitelist)[ \t]*=[ \t]*(.{1,400})$/gm, "callback"],
  [/^[ \t]*enable_plugins[ \t]*=[ \t]*(.{1,400})$/gm, "inventory"],
];

/** What texts name. Linear; a word that only looks like a name is no harm: the caller looks whether there is such a thing. */
export function ansibleNames(texts: Iterable<string>): AnsibleNames {
  const full = new Map<string, Set<string>>();
  const short = new Set<string>();
  for (const text of texts) {
    for (const [, collection = "", rest = ""] of text.matchAll(fullName)) {
      const known = full.get(collection) ?? new Set();
      full.set(collection, known.add(rest));
    }
    for (const [place, kinds] of places)
      for (const [, name] of text.matchAll(place)) for (const kind of kinds) short.add(`${kind} ${name}`);
    for (const [place, kind] of lists)
      for (const [, words = ""] of text.matchAll(place))
        for (const name of words.split(/[\s,]+/)) short.add(`${kind} ${name}`);
  }
  return { full, short };
}

/** A list with a play in it; an inventory that has `hosts:` is a mapping. */
export const isPlaybook = (text: string): boolean => /^- /m.test(text) && /^(?:- +| {2,4})hosts[ \t]*:/m.test(text);

/**
 * What a `runtime.yml` sends elsewhere: full names by kind and short name, as `AnsibleNames.short` writes them. Only block
 * mappings are read, which is how these files are made.
 */
export function redirects(runtime: string): ReadonlyMap<string, string> {
  const found = new Map<string, string>();
  const way: { indent: number; key: string }[] = [];
  for (const line of runtime.split("\n")) {
    const [, spaces = "", key, value = ""] = /^( *)["']?([\w.]+)["']?:[ \t]*(.*)$/.exec(line) ?? [];
    if (key === undefined) continue;
    while ((way.at(-1)?.indent ?? -1) >= spaces.length) way.pop();
    const [top, kind, name] = way.map((each) => each.key);
    const target = /^["']?([\w.]+)/.exec(value)?.[1];
    if (key === "redirect" && way.length === 3 && top === "plugin_routing" && target !== undefined)
      found.set(`${kind} ${name}`, target);
    way.push({ indent: spaces.length, key });
  }
  return found;
}
