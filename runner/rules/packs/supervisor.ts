import { posix } from "node:path";
import type { Start } from "./command-line.ts";
import type { PackContext } from "./pack.ts";
import { pathsOf } from "./references.ts";
import { readShell } from "./shell-text.ts";

const defaults = ["/etc/supervisord.conf", "/etc/supervisor/supervisord.conf", "/usr/local/etc/supervisord.conf"];

const maxConfigBytes = 256 << 10;

/** What one configuration of supervisord says: programs, and patterns of further files, relative to its directory. */
export function parseSupervisor(text: string): {
  programs: { command: string[]; directory?: string }[];
  files: string[];
} {
  const programs: { command: string[]; directory?: string }[] = [];
  const files: string[] = [];
  for (const section of text.split(/^(?=\[)/m)) {
    const isProgram = /^\[(program|fcgi-program|eventlistener):/.test(section);
    const value = (name: string) => new RegExp(`^${name}[ \\t]*=[ \\t]*(.+)$`, "m").exec(section)?.[1]?.trim();
    const line = isProgram ? value("command") : undefined;
    if (line !== undefined) {
      const command = readShell(line.replace(/%\(ENV_(\w+)\)s/g, "$$$1")).commands[0] ?? [];
      const directory = value("directory");
      programs.push(directory?.startsWith("/") ? { command, directory } : { command });
    }
    if (section.startsWith("[include]")) for (const each of value("files")?.split(/\s+/) ?? []) files.push(each);
  }
  return { programs, files };
}

/** The programs that supervisord starts when it is started like this. */
export function supervisedPrograms(
  context: PackContext,
  { words, directory }: Start,
): { command: string[]; directory?: string }[] {
  if (!words.slice(0, 2).some((word) => posix.basename(word) === "supervisord")) return [];
  const at = words.findIndex((word) => /^(-c|--configuration)$/.test(word));
  const given = words.find((word) => /^(--configuration=|-c.)/.test(word))?.replace(/^(--configuration=|-c)/, "");
  const own = at >= 0 ? words[at + 1] : given;
  const spelled = own === undefined ? defaults : [posix.resolve("/", directory, own)];
  const config = spelled.flatMap((path) => pathsOf(context, path, "/"))[0];
  const main = config === undefined ? undefined : context.text(config, maxConfigBytes);
  if (config === undefined || main === undefined) return [];
  const { programs, files } = parseSupervisor(main);
  const more = files
    .flatMap((pattern) => pathsOf(context, pattern, posix.dirname(config)))
    .slice(0, 100)
    .flatMap((path) => parseSupervisor(context.text(path, maxConfigBytes) ?? "").programs);
  return [...programs, ...more];
}
