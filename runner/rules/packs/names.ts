import { posix } from "node:path";
import type { Wanted } from "../wanted.ts";
import { libraryName, readText } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** What the resolver and `getservbyname` read besides the files that the engine makes for every container. */
const networkFiles = ["/etc/nsswitch.conf", "/etc/host.conf", "/etc/gai.conf", "/etc/services", "/etc/protocols"];

/** Since 2.34 glibc holds `files` and `dns` itself; before, they are libraries that nothing names but nsswitch.conf. */
const builtIn = ["files", "dns"];

/** Databases that any program may ask; the rest (netgroup, rpc, ethers, aliases) goes with what was observed. */
const askedDatabases = new Set(["passwd", "group", "initgroups", "hosts", "services", "protocols", "networks"]);

/** Programs that start a session for a user, by name: these read what users are given. */
const sessionPrograms =
  /^(?:login|su|sudo|sshd|cron|crond|runuser|gosu|su-exec|useradd|chpasswd|vsftpd|dovecot|proftpd)$/;

/** Servers that ask PAM whether a password is right, and start nothing in a user's name. */
const passwordCheckers =
  /^(?:nginx|apache2|httpd|lighttpd|haproxy|squid|postgres|mysqld|mariadbd|slapd|php-fpm[\d.]*|php(?:-cgi)?[\d.]*|saslauthd|openvpn)$/;

const maxProgramBytes = 48 << 20;

const sessionFiles = [
  "/etc/login.defs",
  "/etc/environment",
  "/etc/securetty",
  "/etc/shells",
  "/etc/profile",
  "/etc/security",
];

/**
 * Look-ups of hosts, services and users: they are answered by libc, by name, from files and modules that a run without
 * look-ups never opens. Who libc is for keeps them all: they are a few kilobytes.
 */
export const names: Pack = {
  name: "names",
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    if (isLibc(place.path)) return [...resolverFiles(place.path), ...modules(place.path, context)];
    const name = posix.basename(place.path);
    if (libraryName(place.path) !== "libpam" && !(wanted.use === "run" && sessionPrograms.test(name))) return [];
    const files = sessionFiles.map((path) => byPack("rule", path, place.path, "session"));
    return [...files, ...(isSession(name, context) ? shells(place.path, context) : [])];
  },
};

/** What look-ups may need of every C library of the image, and the files of the resolver without one. */
export function allLookUps(context: PackContext): Wanted[] {
  const libraries = [...context.rootfs.values()].filter(({ path, type }) => type === "file" && isLibc(path));
  const files = networkFiles.map((path) => byPack("rule", path, "", "name look-up"));
  return [...files, ...libraries.flatMap(({ path }) => modules(path, context))];
}

const isLibc = (path: string) =>
  /^(?:libc\.so\.6|libc-2\.\d+\.so|ld-musl-\w+\.so\.1|libc\.musl-\w+\.so\.1)$/.test(posix.basename(path));

function resolverFiles(libc: string): Wanted[] {
  return networkFiles.map((path) => byPack("rule", path, libc, "name look-up"));
}

/** The modules stand beside libc, or in the directory that it was in before /usr took all of them in. */
function modules(libc: string, context: PackContext): Wanted[] {
  const services = nssServices(readText(context, "/etc/nsswitch.conf") ?? "");
  const own = posix.dirname(libc);
  const directories = [...new Set([own, own.replace(/^\/usr/, ""), `/usr${own.replace(/^\/usr/, "")}`])];
  const libraries = [...services.map((service) => `libnss_${service}.so.2`), "libresolv.so.2"];
  return directories.flatMap((directory) =>
    libraries.map((name) => byPack("rule", `${directory}/${name}`, libc, "name service")),
  );
}

/** Services of the databases that any program may ask, and those that libc takes when the file names none. */
export function nssServices(nsswitch: string): string[] {
  const named = nsswitch.split("\n").flatMap((line) => {
    const [database = "", rest = ""] = line.replace(/#.*/s, "").split(":", 2);
    if (!askedDatabases.has(database.trim())) return [];
    return rest.replace(/\[[^[\]]*\]/g, " ").split(/\s+/);
  });
  return [...new Set([...builtIn, ...named])].filter((name) => /^[\w-]{1,64}$/.test(name));
}

/** PAM alone is no session: a server that only checks passwords starts none, unless another program beside it does. */
function isSession(name: string, { processes, content }: PackContext): boolean {
  if (sessionPrograms.test(name)) return true;
  const programs = [...new Set(processes.map(({ exe }) => exe))];
  if (!programs.some((exe) => passwordCheckers.test(posix.basename(exe)))) return true;
  return programs.some((exe) => {
    if (sessionPrograms.test(posix.basename(exe))) return true;
    return (
      !passwordCheckers.test(posix.basename(exe)) &&
      (content(exe, maxProgramBytes)?.includes("pam_open_session") ?? false)
    );
  });
}

/** Shells of users that can log in. */
function shells(by: string, context: PackContext): Wanted[] {
  const found = (readText(context, "/etc/passwd") ?? "").split("\n").map((line) => line.split(":")[6]?.trim() ?? "");
  const real = [...new Set(found)].filter((path) => path.startsWith("/") && !/\/(?:nologin|false|sync)$/.test(path));
  return real.map((path) => byPack("named", path, by, "login shell", "run"));
}
