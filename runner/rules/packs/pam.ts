import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { libraryName, namesIn, readText } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** Services by the names of programs that ask for one under another name. */
const serviceNames: Readonly<Record<string, readonly string[]>> = {
  pg_ctl: ["postgresql"],
  postgres: ["postgresql"],
  mysqld: ["mysql"],
  mariadbd: ["mysql"],
  dovecot: ["dovecot", "imap", "pop3"],
  auth: ["dovecot"],
  cron: ["cron", "crond"],
  crond: ["cron", "crond"],
  slapd: ["ldap"],
  saslauthd: ["smtp", "imap", "pop", "ldap"],
  login: ["login", "remote"],
  su: ["su", "su-l"],
  runuser: ["runuser", "runuser-l"],
  sudo: ["sudo", "sudo-i"],
  rserver: ["rstudio"],
};

/** Services that every installation holds for its own user commands; kept only for these. */
const userCommands =
  /^(?:ch(?:fn|passwd|sh|age)|newusers|passwd|runuser(?:-l)?|su(?:-l)?|sudo(?:-i)?|login|remote|group(?:add|del|mod|mems)|user(?:add|del|mod)|chgpasswd|polkit-1|systemd-user)$/;

/** Where libpam looks for modules that are named without a directory. */
const moduleDirectories = [
  "/lib/security",
  "/lib64/security",
  "/usr/lib/security",
  "/usr/lib64/security",
  "/usr/lib/pam",
];

/** Further files that the common modules read. */
const moduleFiles: Readonly<Record<string, readonly string[]>> = {
  pam_env: ["/etc/environment", "/etc/security/pam_env.conf", "/etc/default/locale"],
  pam_limits: ["/etc/security/limits.conf", "/etc/security/limits.d"],
  pam_access: ["/etc/security/access.conf"],
  pam_group: ["/etc/security/group.conf"],
  pam_time: ["/etc/security/time.conf"],
  pam_namespace: ["/etc/security/namespace.conf"],
  pam_faillock: ["/etc/security/faillock.conf"],
  pam_pwquality: ["/etc/security/pwquality.conf"],
  pam_securetty: ["/etc/securetty"],
  pam_shells: ["/etc/shells"],
  pam_unix: ["/etc/login.defs", "/usr/sbin/unix_chkpwd", "/sbin/unix_chkpwd", "/usr/bin/unix_chkpwd"],
  pam_ldap: ["/etc/pam_ldap.conf", "/etc/nslcd.conf"],
  pam_mysql: ["/etc/pam-mysql.conf"],
};

const configDirectories = ["/etc/pam.d", "/usr/lib/pam.d", "/usr/share/pam.d", "/usr/etc/pam.d"];

/**
 * Log-ins by PAM: libpam is kept → the configuration of every service that is not one of the distribution's own user commands,
 * `other`, what they include, and the modules these name. A service of a user command goes with that command.
 */
export const pam: Pack = {
  name: "pam",
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    const { path } = place;
    if (libraryName(path) === "libpam") return presentServices(path, context);
    if (configDirectories.includes(posix.dirname(path))) return stack(path, context);
    if (wanted.use !== "run") return [];
    const name = posix.basename(path);
    return [name, ...(serviceNames[name] ?? [])].flatMap((service) => serviceFiles(service, path));
  },
};

function serviceFiles(name: string, by: string): Wanted[] {
  return configDirectories.map((directory) => byPack("unit", `${directory}/${name}`, by, "pam service"));
}

function presentServices(libpam: string, context: PackContext): Wanted[] {
  const found = configDirectories.flatMap((directory) =>
    namesIn(context, directory)
      .filter((name) => !userCommands.test(name) && !name.startsWith("common-"))
      .map((name) => `${directory}/${name}`),
  );
  return ["/etc/pam.conf", ...found].map((path) => byPack("rule", path, libpam, "pam service"));
}

/** What one file of a service names: included files and modules, with the files that those read. */
function stack(path: string, context: PackContext): Wanted[] {
  const { includes, modules } = parsePamService(readText(context, path) ?? "");
  const included = includes.flatMap((name) =>
    name.startsWith("/") ? [name] : configDirectories.map((directory) => `${directory}/${name}`),
  );
  const places = pamDirectories(context);
  const libraries = modules.flatMap((name) =>
    name.startsWith("/") ? [name] : places.map((directory) => `${directory}/${name}`),
  );
  const files = modules.flatMap((name) => moduleFiles[posix.basename(name, ".so")] ?? []);
  const nested = files.flatMap((file) => namesIn(context, file).map((name) => `${file}/${name}`));
  return [
    ...included.map((each) => byPack("named", each, path, "pam include")),
    ...libraries.map((each) => byPack("named", each, path, "pam module")),
    ...[...files, ...nested].map((each) =>
      byPack("rule", each, path, "pam module", each.endsWith("chkpwd") ? "run" : "load"),
    ),
  ];
}

/** The usual directories, and those of Debian's architectures. */
function pamDirectories(context: PackContext): string[] {
  const architectures = ["/lib", "/usr/lib"].flatMap((directory) =>
    namesIn(context, directory)
      .filter((name) => /^[\w]+-linux-[\w]+$/.test(name))
      .map((name) => `${directory}/${name}/security`),
  );
  return [...moduleDirectories, ...architectures];
}

/** What pam.conf(5) says a service's file holds: `[-]type control module arguments`, and `@include` of Debian. */
export function parsePamService(text: string): { includes: string[]; modules: string[] } {
  const includes = new Set<string>();
  const modules = new Set<string>();
  const isName = (name: string) => /^[\w./-]{1,255}$/.test(name) && !name.split("/").includes("..");
  for (const line of text.replace(/\\\n/g, " ").split("\n")) {
    const clean = line.replace(/#.*/s, "").trim();
    const direct = /^@include\s+(\S+)/.exec(clean)?.[1];
    if (direct !== undefined) {
      if (isName(direct)) includes.add(direct);
      continue;
    }
    const [, control = "", target = ""] =
      /^-?(?:auth|account|password|session)\s+(\[[^\]]*\]|\S+)\s+(\S+)/.exec(clean) ?? [];
    if (!isName(target)) continue;
    if (control === "include" || control === "substack") includes.add(target);
    else modules.add(target);
  }
  return { includes: [...includes], modules: [...modules] };
}
