/** Who users and hosts are; the modules of the other databases (netgroup, rpc, ...) are kept when they were seen. */
const databases = new Set(["passwd", "group", "initgroups", "shadow", "hosts"]);

/**
 * The libraries that glibc loads for the services which nsswitch.conf(5) names. Most images have `files` and `dns` only, which
 * live inside libc since glibc 2.34: then no such file exists.
 */
export function nssLibraries(nsswitch: string): string[] {
  const services = nsswitch.split("\n").flatMap((line) => {
    const [, database, rest] = /^\s*(\w+)\s*:([^#]*)/.exec(line) ?? [];
    return databases.has(database ?? "")
      ? (rest ?? "")
          .replace(/\[[^\]]*\]/g, " ")
          .trim()
          .split(/\s+/)
      : [];
  });
  return [...new Set(services)].filter((name) => /^[\w-]+$/.test(name)).map((name) => `libnss_${name}.so.2`);
}
