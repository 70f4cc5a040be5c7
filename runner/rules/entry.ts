import type { Warning } from "#contract/report.ts";
import type { Rootfs } from "../rootfs.ts";
import { findProgram } from "./program.ts";
import type { Wanted } from "./wanted.ts";

/** The part of an image's config that says how it is started. */
export type StartConfig = {
  entrypoint: readonly string[];
  cmd: readonly string[];
  workdir: string;
  env: readonly string[];
  /** The command (`/bin/sh -c TEXT` for one in shell form), or as in the config with `CMD` or `CMD-SHELL` first. */
  healthcheck: readonly string[] | undefined;
};

/**
 * The programs that the image's config names: the slim image keeps that config, so it must be able to start them even when every
 * scenario ran something else. A CMD that is an argument of the ENTRYPOINT names a program surprisingly often (`exec "$@"`).
 */
export function entryPrograms(rootfs: Rootfs, config: StartConfig): { wanted: Wanted[]; warnings: Warning[] } {
  const names = [config.entrypoint[0], config.cmd[0], ...healthPrograms(config.healthcheck ?? [])];
  const wanted = names.flatMap((name): Wanted[] => {
    const path = name === undefined ? undefined : findProgram(rootfs, name, config);
    return path === undefined ? [] : [{ path, reason: { kind: "rule", by: "entry", detail: name }, use: "run" }];
  });
  const main = config.entrypoint[0] ?? config.cmd[0];
  if (main === undefined || findProgram(rootfs, main, config) !== undefined) return { wanted, warnings: [] };
  const text = `The image's command "${main}" is no program of the image.`;
  return { wanted, warnings: [{ code: "entry.not-found", text }] };
}

/** A command in shell form starts /bin/sh, and then most often its first word. */
function healthPrograms(healthcheck: readonly string[]): string[] {
  const [form, ...rest] = healthcheck;
  if (form === undefined || form === "NONE") return [];
  if (form === "CMD") return healthPrograms(rest);
  if (form === "CMD-SHELL") return healthPrograms(["/bin/sh", "-c", ...rest]);
  const word = rest[0] === "-c" ? /^\s*([\w./+-]+)(?:\s|$)/.exec(rest[1] ?? "")?.[1] : undefined;
  return word === undefined ? [form] : [form, word];
}
