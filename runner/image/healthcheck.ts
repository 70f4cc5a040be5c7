import type { ExecProbe } from "#contract/job.ts";
import type { ImageConfig } from "./source.ts";

/** The image's HEALTHCHECK as a command to execute; undefined when it has none or switched an inherited one off. */
export function healthProbe(config: ImageConfig): ExecProbe | undefined {
  const [form, ...words] = config.Healthcheck?.Test ?? [];
  if (words.length === 0) return undefined;
  if (form === "CMD") return { kind: "exec", argv: words, expectExit: 0 };
  if (form !== "CMD-SHELL") return undefined;
  return { kind: "exec", argv: [...(config.Shell ?? ["/bin/sh", "-c"]), words.join(" ")], expectExit: 0 };
}
