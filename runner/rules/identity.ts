import { below, type Rootfs } from "../rootfs.ts";
import { variable } from "./program.ts";
import { byRule, type Wanted } from "./wanted.ts";

/** Small files that tell who and what the image is; scanners, shells and language runtimes look at them when no one expects it. */
const files = ["/etc/passwd", "/etc/group", "/etc/nsswitch.conf"];

/** What tells scanners the distribution and its version: os-release, redhat-release, debian_version, and links to them. A line or two each. */
export const releaseFile = /^\/etc\/[\w.-]{2,40}[-_](?:release|release-cpe|version)$/;

/** Directories that programs take for granted, kept as directory or link, with their own mode (1777 of /tmp), not their contents. */
const scratch = ["/tmp", "/var/tmp", "/run", "/var/run"];

/** The engine mounts over these: on a read-only image it could not make them. */
const mountPoints = ["/proc", "/sys", "/dev"];

type IdentityConfig = { user: string; workdir: string; env: readonly string[]; volumes: readonly string[] };

/**
 * What every image keeps besides what was seen. VOLUMEs whole: what the image has there seeds a fresh volume, so it is data
 * that a user gets to see, and not code that a run may or may not need. Certificates, `shadow` and private keys are never kept by rule.
 * @param passwd contents of /etc/passwd, when it could be read
 */
export function identity(rootfs: Rootfs, config: IdentityConfig, passwd: string | undefined): Wanted[] {
  const home = variable(config.env, "HOME") ?? homeOf(passwd ?? "", config.user);
  return [
    ...[...files, ...[...rootfs.keys()].filter((path) => releaseFile.test(path))].map((path) =>
      byRule(path, "identity"),
    ),
    ...scratch
      .filter((path) => /^(directory|symlink)$/.test(rootfs.get(path)?.type ?? ""))
      .map((path) => byRule(path, "scratch")),
    ...mountPoints.filter((path) => rootfs.get(path)?.type === "directory").map((path) => byRule(path, "mount-point")),
    byRule(config.workdir || "/", "workdir"),
    ...config.volumes.flatMap((path) => [path, ...below(rootfs, path)]).map((path) => byRule(path, "volume")),
    ...(home?.startsWith("/") ? [byRule(home, "home")] : []),
  ];
}

/** Home directory of a USER as written in the config (`name`, `uid`, `name:group`, empty for root). */
export function homeOf(passwd: string, user: string): string | undefined {
  const name = user.replace(/:.*$/s, "") || "0";
  const rows = passwd.split("\n").map((line) => line.split(":"));
  // A name that is all digits is a name first, as engines have it.
  const row =
    rows.find((fields) => fields[0] === name) ?? rows.find((fields) => fields.length > 5 && fields[2] === name);
  return row?.[5] || undefined;
}
