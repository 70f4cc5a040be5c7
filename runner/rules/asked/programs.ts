import { ruleName } from "#contract/keep.ts";
import { below, resolvePath } from "../../rootfs.ts";
import { entriesBelow } from "../packs/image-tree.ts";
import { findProgram } from "../program.ts";
import { type Answer, byUser, type Given } from "./rule.ts";

/** What people type when they look into a container, as far as the image has it. */
const commands = ["ls", "pwd", "cd", "ps", "head", "tail", "cat", "more", "find", "grep", "awk", "env"];

/** Programs, libraries and scripts that the user names; what they need to run comes by the closure. */
export function askedPrograms(given: Given): Answer[] {
  const { keep } = given;
  return [
    ...keep.includeBins.map((path) => binary(path, given)),
    ...keep.includeBinDirs.map((path) => binariesBelow(path, given)),
    ...keep.includeExes.map((name) => program(name, ruleName("include-exe", name), given)),
    ...(keep.includeShell === "minimal" ? [shell(given)] : []),
    ...(keep.includeSshClient ? [sshClient(given)] : []),
    ...(keep.includeWorkdir ? [workdir(given)] : []),
  ];
}

function binary(path: string, { context: { rootfs } }: Given): Answer {
  const rule = ruleName("include-bin", path);
  const found = resolvePath(rootfs, path);
  const isFile = "path" in found && found.entry.type === "file";
  return { rule, wanted: isFile ? [byUser(rootfs, path, rule)] : [] };
}

/** ELF files by what they hold: names and modes do not tell. */
function binariesBelow(directory: string, { context: { rootfs }, factsOf }: Given): Answer {
  const rule = ruleName("include-dir-bins", directory);
  const top = resolvePath(rootfs, directory);
  if (!("path" in top)) return { rule, wanted: [] };
  const files = [...below(rootfs, top.path)].filter((path) => {
    const entry = rootfs.get(path);
    return entry?.type === "file" && entry.size > 3;
  });
  const found = files.filter((path) => factsOf(path)?.elf !== undefined);
  return {
    rule,
    wanted: found.map((path) => byUser(rootfs, path, rule)),
    wants: files.filter((path) => factsOf(path) === undefined),
  };
}

function program(name: string, rule: string, { context }: Given): Answer {
  const path = findProgram(context.rootfs, name, context);
  return { rule, wanted: path === undefined ? [] : [byUser(context.rootfs, path, rule)] };
}

/** `sh`, or `bash` where there is none, or else a busybox; and the usual commands. Without a shell they would be of no use. */
function shell(given: Given): Answer {
  const rule = "--include-shell";
  const wantedOf = (name: string) => program(name, rule, given).wanted;
  const shells = ["sh", "bash", "busybox", "busybox-static"].map(wantedOf).find((wanted) => wanted.length > 0);
  return { rule, wanted: shells ? [...shells, ...commands.flatMap(wantedOf)] : [] };
}

/** The client with its configuration and the hosts that the system knows. Nobody's ~/.ssh: keys are secrets. */
function sshClient(given: Given): Answer {
  const { context } = given;
  const rule = "--include-ssh-client";
  const client = program("ssh", rule, given).wanted;
  const files = ["/etc/ssh/ssh_config", "/etc/ssh/ssh_known_hosts", ...entriesBelow(context, "/etc/ssh/ssh_config.d")];
  const configuration = files.map((path) => byUser(context.rootfs, path, rule));
  return { rule, wanted: client.length > 0 ? [...client, ...configuration] : [] };
}

/** The directory that the image starts in, whole; the root of an image is no directory of an application. */
function workdir({ context: { rootfs, workdir: spelled } }: Given): Answer {
  const rule = "--include-workdir";
  const top = resolvePath(rootfs, spelled);
  if (!("path" in top) || top.path === "/") return { rule, wanted: [] };
  return { rule, wanted: [spelled, ...below(rootfs, top.path)].map((path) => byUser(rootfs, path, rule)) };
}
