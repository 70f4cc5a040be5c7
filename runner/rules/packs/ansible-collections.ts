import { posix } from "node:path";
import { variable } from "../program.ts";
import { type AnsibleNames, ansibleNames, isPlaybook, redirects } from "./ansible-names.ts";
import { directoryAt, fileAt, filesBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { isInstalled, pythonFiles } from "./python-path.ts";

/** An installed collection: `name` is `namespace.collection`. */
export type Collection = { name: string; directory: string };

/** A file of a plugin that the application names, and the file that names it. */
type NamedPlugin = { path: string; collection: string };

const loader = /^(.*\/ansible)\/plugins\/(?:__pycache__\/loader\.[\w-]+\.pyc|loader\.pyc?)$/;

/** The directory of Ansible's own package when it ran: its loader of plugins was read. */
export const ansiblePackage = oncePerWave((context): string | undefined =>
  pythonFiles(context)
    .seen.map((path) => loader.exec(path)?.[1])
    .find((directory) => directory !== undefined),
);

export const collections = oncePerWave((context): ReadonlyMap<string, Collection> => {
  const found = new Map<string, Collection>();
  if (ansiblePackage(context) === undefined) return found;
  const inside = (directory: string) =>
    (context.children.get(directory) ?? []).filter(
      (name) => /^[a-z_]\w*$/.test(name) && context.rootfs.get(`${directory}/${name}`)?.type === "directory",
    );
  for (const root of context.children.keys()) {
    if (posix.basename(root) !== "ansible_collections") continue;
    for (const namespace of inside(root)) {
      for (const each of inside(`${root}/${namespace}`)) {
        const name = `${namespace}.${each}`;
        if (!found.has(name)) found.set(name, { name, directory: `${root}/${namespace}/${each}` });
      }
    }
  }
  return found;
});

const maxTextBytes = 256 << 10;
const maxTexts = 5000;

/** Directories outside of the application where Ansible looks for roles and plugins by default. */
export const contentDirectories = oncePerWave((context): string[] => {
  const homes = [...context.children.keys()].filter((path) => /^\/(?:root|home\/[^/]+)\/\.ansible$/.test(path));
  const tops = [...homes, "/usr/share/ansible", "/etc/ansible"];
  const named = ["ANSIBLE_ROLES_PATH", "ANSIBLE_LIBRARY"].flatMap((each) =>
    (variable(context.env, each) ?? "").split(":").filter((path) => path.startsWith("/")),
  );
  const inside = tops.flatMap((top) => ["roles", "plugins"].map((name) => `${top}/${name}`));
  return [...new Set([...inside, ...named].flatMap((path) => directoryAt(context, path) ?? []))];
});

/** Playbooks, roles, templates, inventories and settings that are in the image, as texts. */
const texts = oncePerWave((context): string[] => {
  if (ansiblePackage(context) === undefined) return [];
  const isText = /\.(?:ya?ml|j2|jinja2?|json|ini|cfg|py)$|\/(?:hosts|inventory)$|\/(?:group|host)_vars\/[^/]+$/;
  const below = contentDirectories(context).flatMap((directory) => filesBelow(context, directory));
  const own = [...context.rootfs.values()].flatMap(({ path }) => (context.isApplication(path) ? [path] : []));
  const paths = [...new Set([...own, ...below, ...(fileAt(context, "/etc/ansible/ansible.cfg") ?? [])])];
  return paths
    .filter((path) => isText.test(path) && !isInstalled(path))
    .slice(0, maxTexts)
    .flatMap((path) => context.text(path, maxTextBytes) ?? []);
});

export const named = oncePerWave((context): AnsibleNames => ansibleNames(texts(context)));

/** Whether the image has playbooks of its own; into one that has none they come later, and may ask for any collection. */
export const hasPlaybooks = oncePerWave((context) => texts(context).some(isPlaybook));

/** Full names that the application asks for, short ones as Ansible's routing translates them. */
export const fullNames = oncePerWave((context): ReadonlySet<string> => {
  const found = new Set<string>();
  const { full, short } = named(context);
  const directory = ansiblePackage(context);
  const todo = [...full].flatMap(([collection, rests]) =>
    [...rests].map((rest) => (rest === "" ? collection : `${collection}.${rest}`)),
  );
  const moved = routing(context, `${directory}/config/ansible_builtin_runtime.yml`);
  for (const name of short) todo.push(moved.get(name) ?? "");
  for (const name of todo) {
    const [namespace = "", collection = "", ...rest] = name.split(".");
    const own = collections(context).get(`${namespace}.${collection}`);
    if (found.has(name) || (own === undefined && namespace !== "ansible")) continue;
    found.add(name);
    if (own === undefined || rest.length === 0) continue;
    const away = routing(context, `${own.directory}/meta/runtime.yml`);
    for (const kind of kinds) todo.push(away.get(`${kind} ${rest.join(".")}`) ?? "");
  }
  return found;
});

const kinds =
  "modules action filter test lookup connection become callback cache cliconf httpapi inventory netconf shell strategy terminal vars".split(
    " ",
  );

const parsed = new WeakMap<Buffer, ReadonlyMap<string, string>>();

/** What a `runtime.yml` redirects, kept as long as its bytes are: every wave of reads asks again. */
function routing(context: PackContext, path: string): ReadonlyMap<string, string> {
  const bytes = context.content(path);
  if (bytes === undefined) return new Map();
  const known = parsed.get(bytes) ?? redirects(bytes.toString("utf8"));
  parsed.set(bytes, known);
  return known;
}

/** Collections that the image has for its own playbooks, whole: those named, those installed by themselves, all when playbooks come later. */
export const wantedCollections = oncePerWave((context): Collection[] => {
  const all = collections(context);
  const isAsked = (each: Collection) => !hasPlaybooks(context) || !isInstalled(each.directory);
  const names = [...fullNames(context)].map((name) => name.split(".").slice(0, 2).join("."));
  const first = [...[...all.values()].filter(isAsked).map(({ name }) => name), ...names];
  const found = new Set<string>();
  for (const name of first) {
    // `first` grows as we walk it
    const own = all.get(name);
    if (own === undefined || found.has(name)) continue;
    found.add(name);
    for (const each of dependencies(context, own)) first.push(each);
  }
  return [...found].flatMap((name) => all.get(name) ?? []);
});

/** Names of the collections that one declares to need. */
function dependencies(context: PackContext, { directory }: Collection): string[] {
  const text = context.text(`${directory}/MANIFEST.json`);
  const listed = /"dependencies":\s*\{([^}]*)\}/.exec(text ?? "")?.[1] ?? "";
  return [...listed.matchAll(/"([\w.]+)"\s*:/g)].map(([, name = ""]) => name);
}

/** Files of the plugins that the application names, in collections. Filters and tests may lie in files of other names. */
export const namedPlugins = oncePerWave((context): NamedPlugin[] =>
  [...fullNames(context)].flatMap((full) => {
    const [namespace = "", collection = "", ...rest] = full.split(".");
    const own = collections(context).get(`${namespace}.${collection}`);
    if (own === undefined || rest.length === 0) return [];
    const files = pluginFiles(context, own, rest.join("/"));
    return files.map((path) => ({ path, collection: own.name }));
  }),
);

function pluginFiles(context: PackContext, { directory }: Collection, name: string): string[] {
  const plugins = `${directory}/plugins`;
  const exact = (context.children.get(plugins) ?? [])
    .map((kind) => `${plugins}/${kind}/${name}.py`)
    .filter((path) => fileAt(context, path) !== undefined);
  if (exact.length > 0) return exact;
  return ["filter", "test"].flatMap((kind) =>
    (context.children.get(`${plugins}/${kind}`) ?? [])
      .filter((file) => file.endsWith(".py"))
      .map((file) => `${plugins}/${kind}/${file}`),
  );
}

/** Modules of Ansible's own that the application names, and the one that gathers facts before each play. */
export const namedModulesOfCore = oncePerWave((context): string[] => {
  const directory = ansiblePackage(context);
  if (directory === undefined) return [];
  const full = [...fullNames(context)].flatMap((each) => /^ansible\.(?:builtin|legacy)\.(\w+)$/.exec(each)?.[1] ?? []);
  const short = [...named(context).short].flatMap((each) => /^modules (\w+)$/.exec(each)?.[1] ?? []);
  const paths = [...new Set([...full, ...short])].map((name) => `${directory}/modules/${name}.py`);
  const facts = filesBelow(context, `${directory}/module_utils/facts`, { accept: (path) => path.endsWith(".py") });
  return [...paths.filter((path) => fileAt(context, path) !== undefined), ...facts];
});
