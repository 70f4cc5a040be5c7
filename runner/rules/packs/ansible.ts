import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import {
  ansiblePackage,
  type Collection,
  contentDirectories,
  namedModulesOfCore,
  namedPlugins,
  wantedCollections,
} from "./ansible-collections.ts";
import { filesBelow } from "./gather.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { startWanted } from "./shell.ts";

/** What is in a collection for those who make it or read about it. */
const unusedDirectory = /^(?:tests?|docs?|changelogs|hacking|LICENSES|\.\w[\w.-]*|__pycache__)$/;
const unused =
  /\.(?:md|rst|license|pyc|in|toml)$|\/(?:FILES\.json|COPYING|LICENSE|tox[\w-]*\.ini|mypy\.ini|codecov\.ya?ml|shippable\.ya?ml)$/;
const maxCollectionBytes = 512 << 20;

/**
 * Programs with which hosts are reached and rights are changed, and those of the shell commands that go before and after every
 * module (plugins/shell): they run here when the host is this one.
 */
const reaching =
  "ssh scp sftp ssh-agent ssh-add ssh-keygen sshpass sudo su sh mkdir rm chmod chown chgrp setfacl echo test touch sleep".split(
    " ",
  );

/**
 * Ansible: the collections that playbooks, roles and settings of the image name, whole, with those they depend on; all of them
 * when the image has no playbook, because then playbooks come later; roles and plugins in its default directories; the programs
 * that named modules look for. What named plugins import follows from Python's rules, for which they are the application.
 */
export const ansible: Pack = {
  name: "ansible",
  seeds(context) {
    if (ansiblePackage(context) === undefined) return [];
    return [
      ...wantedCollections(context).flatMap((each) => collectionWanted(context, each)),
      ...contentDirectories(context).flatMap((directory) =>
        filesBelow(context, directory).map((path) => byPack("unit", path, directory, "ansible content", "exist")),
      ),
      ...programsWanted(context),
    ];
  },
};

function collectionWanted(context: PackContext, { name, directory }: Collection): Wanted[] {
  const files = filesBelow(context, directory, {
    enter: (_, each) => !unusedDirectory.test(each),
    accept: (path) => !unused.test(path),
    maxBytes: maxCollectionBytes,
  });
  return files.map((path) => byPack("unit", path, name, "ansible collection", "exist"));
}

/** A program's name where a module looks for one: in the call, under a name that says what it is, in a table of such names. */
const look =
  /\bget_bin_path\(\s*["']([\w.+-]{2,40})["']|\b\w{0,40}(?:cmd|command|bin|prog|exe|tool)\w{0,40}["']?\s{0,9}[=:]\s{0,9}[[(]?\s{0,9}["']([\w.+-]{2,40})["']|\(["']([\w.+-]{2,40})["'],\s{0,9}["']\w{0,40}(?:cmd|command|bin|path)\w{0,40}["']\)/gi;

/** Programs that named modules look for on PATH. */
function programsWanted(context: PackContext): Wanted[] {
  const plugins = namedPlugins(context).map(({ path }) => path);
  const asked = [...new Set([...plugins, ...namedModulesOfCore(context)])].flatMap((path) => {
    const text = context.text(path) ?? "";
    if (!text.includes("get_bin_path")) return [];
    const words = [...text.matchAll(look)].flatMap(([, ...each]) => each.filter((word) => word !== undefined));
    return [...new Set(words)].map((word) => ({ word, path }));
  });
  const { env } = context;
  return [...reaching.map((word) => ({ word, path: "ansible" })), ...asked]
    .filter(({ word }) => findProgram(context.rootfs, word, { env, workdir: "/" }))
    .flatMap(({ word, path }) => startWanted(context, { words: [word], directory: "/" }, path));
}
