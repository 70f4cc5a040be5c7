import { posix } from "node:path";
import { ruleName } from "#contract/keep.ts";
import { type Owner, packageOwners } from "../../report/package-owners.ts";
import { type Answer, byUser, type Given } from "./rule.ts";

/** What stands in lists: of layers, of earlier jobs, of packages. */
export function askedLists(given: Given): Answer[] {
  const { rootfs } = given.context;
  const { keep, layers } = given;
  const reports = keep.includeReported.map(({ name, paths }) => ({
    rule: ruleName("include-paths-creport-file", name),
    paths,
  }));
  const lists = [...layers, ...reports].map(({ rule, paths }) => ({
    rule,
    wanted: paths.map((path) => byUser(rootfs, path, rule)),
  }));
  return [...lists, ...packages(given)];
}

function packages({ context, keep }: Given): Answer[] {
  if (keep.includePackages.length === 0) return [];
  const owners = packageOwners(context);
  const asked = keep.includePackages.map((text) => {
    const rule = ruleName("include-package", text);
    const ids = new Set(owners.packages.flatMap((owner, id) => (isNamed(owner, text) ? [id] : [])));
    return { rule, ids, answer: { rule, wanted: [] } as Answer };
  });
  for (const path of context.rootfs.keys()) {
    const owner = owners.of(path);
    if (owner < 0) continue;
    for (const { ids, rule, answer } of asked)
      if (ids.has(owner)) answer.wanted.push(byUser(context.rootfs, path, rule));
  }
  return asked.map(({ answer }) => answer);
}

/** `deb` is what people call packages of dpkg. Versions stand behind names of pip and gem, and need not be told. */
function isNamed({ system, name, at }: Owner, text: string): boolean {
  const [, wanted, plain = text] = /^(npm|pip|gem|dpkg|apk|rpm):(.*)$/s.exec(text) ?? [];
  if (wanted !== undefined && wanted !== system) return false;
  if (name === plain) return true;
  if (system === "npm") return at !== null && posix.basename(at) === plain;
  if (system !== "pip" && system !== "gem") return false;
  const bare = name.replace(/-\d[^-]*(?:-.*)?$/s, "");
  return system === "gem" ? bare === plain : normal(bare) === normal(plain);
}

/** PEP 503: names of Python packages are equal whatever their case and dashes. */
const normal = (name: string): string => name.toLowerCase().replace(/[-_.]+/g, "-");
