import { posix } from "node:path";
import { type Rootfs, resolvePath } from "../rootfs.ts";

/** What engines use when the image's config sets no PATH. */
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/** The value of a variable in the config's ENV; the last assignment counts, as in the engine. */
export function variable(env: readonly string[], name: string): string | undefined {
  return env.findLast((assignment) => assignment.startsWith(`${name}=`))?.slice(name.length + 1);
}

/** Where `name` leads when it is started with this environment and directory, as spelled; undefined when there is no such program. */
export function findProgram(
  rootfs: Rootfs,
  name: string,
  { env, workdir }: { env: readonly string[]; workdir: string },
): string | undefined {
  if (name === "") return undefined;
  const start = posix.resolve("/", workdir);
  const candidates = name.includes("/")
    ? [posix.resolve(start, name)]
    : (variable(env, "PATH") ?? defaultPath).split(":").map((directory) => posix.resolve(start, directory, name));
  return candidates.find((path) => {
    const found = resolvePath(rootfs, path);
    return "path" in found && found.entry.type === "file" && (found.entry.mode & 0o111) !== 0;
  });
}
