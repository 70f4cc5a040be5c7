import type { JobRequest, Scenario } from "#contract/job.ts";
import { assignment, type Output, type Override, withProtocol } from "#contract/output.ts";
import type { Warning } from "#contract/report.ts";
import type { ImageConfig } from "./source.ts";

type Asked = Pick<JobRequest, "output" | "scenarios" | "run" | "keep">;

/**
 * The config of the slim image, without our label: the original's with the edits of the job and nothing else. In this order:
 * what the job ran otherwise and wants to keep so, what it takes away, what it adds.
 */
export function editedConfig(config: ImageConfig, asked: Asked): ImageConfig {
  const { output, keep } = asked;
  const run = asRun(config, asked);
  const started = output.entrypoint ? { ...run, Entrypoint: output.entrypoint, Cmd: [] } : run;
  const expose = output.expose.map(withProtocol);
  return withoutEmpty({
    ...started,
    Cmd: output.cmd ?? started.Cmd,
    WorkingDir: output.workdir ?? run.WorkingDir,
    Env: assigned(without(run.Env, output.removeEnv), output.env),
    ExposedPorts: keySet(run.ExposedPorts, output.removeExpose.map(withProtocol), expose),
    Volumes: keySet(run.Volumes, output.removeVolumes, output.volumes),
    Labels: {
      ...Object.fromEntries(Object.entries(run.Labels ?? {}).filter(([name]) => !output.removeLabels.includes(name))),
      ...Object.fromEntries(output.labels.map(assignment)),
    },
    Healthcheck: keep.includeHealthcheck ? run.Healthcheck : undefined,
  });
}

const keeps = ({ keepOverrides }: Output, field: Override): boolean =>
  keepOverrides.includes(field) || keepOverrides.includes("all");

/** The config with what the scenarios and `run` said instead, as far as that is to stay. Scenarios agree, by contract. */
function asRun(config: ImageConfig, { output, scenarios, run }: Asked): ImageConfig {
  const given = scenarios[0];
  const entrypoint = keeps(output, "entrypoint") ? given?.entrypoint : undefined;
  const started = entrypoint ? { ...config, Entrypoint: entrypoint, Cmd: [] } : config;
  const mounted = run.mounts.flatMap((mount) => mount.split(":")[1] ?? []);
  return {
    ...started,
    Cmd: (keeps(output, "cmd") ? given?.cmd : undefined) ?? started.Cmd,
    WorkingDir: (keeps(output, "workdir") ? given?.workdir : undefined) ?? config.WorkingDir,
    User: (keeps(output, "user") ? given?.user : undefined) ?? config.User,
    Env: assigned(config.Env ?? [], keeps(output, "env") ? (given?.env ?? []) : []),
    ExposedPorts: keySet(config.ExposedPorts, [], keeps(output, "expose") ? run.expose.map(withProtocol) : []),
    Volumes: keySet(config.Volumes, [], keeps(output, "volume") ? mounted : []),
  };
}

/** A scenario for an image whose config says a part of it already: that part is then proved to be in the config. */
export function asEdited(scenario: Scenario, output: Output): Scenario {
  const { entrypoint, cmd, workdir, user, env, ...rest } = scenario;
  const saysEntrypoint = entrypoint === undefined || keeps(output, "entrypoint");
  return {
    ...rest,
    // An entrypoint that is given anew drops the config's command.
    ...(saysEntrypoint ? {} : { entrypoint }),
    ...(cmd === undefined || (saysEntrypoint && keeps(output, "cmd")) ? {} : { cmd }),
    ...(workdir === undefined || keeps(output, "workdir") ? {} : { workdir }),
    ...(user === undefined || keeps(output, "user") ? {} : { user }),
    env: keeps(output, "env") ? [] : env,
  };
}

/** Edits that change nothing: what is to be taken away and is not there, what is to be kept and was not said. */
export function editWarnings(config: ImageConfig, { output, scenarios, run, keep }: Asked): Warning[] {
  const names = (config.Env ?? []).map((text) => assignment(text)[0]);
  const absent = (flag: string, asked: readonly string[], present: readonly string[]) =>
    asked.filter((each) => !present.includes(each)).map((each) => `--remove-${flag} ${each}`);
  const given = scenarios[0];
  const said: Record<Exclude<Override, "all">, boolean> = {
    entrypoint: given?.entrypoint !== undefined,
    cmd: given?.cmd !== undefined,
    workdir: given?.workdir !== undefined,
    user: given?.user !== undefined,
    env: (given?.env.length ?? 0) > 0,
    expose: run.expose.length > 0,
    volume: run.mounts.length > 0,
    label: false,
  };
  const idle = [
    ...absent("env", output.removeEnv, names),
    ...absent("label", output.removeLabels, Object.keys(config.Labels ?? {})),
    ...absent("expose", output.removeExpose.map(withProtocol), Object.keys(config.ExposedPorts ?? {})),
    ...absent("volume", output.removeVolumes, Object.keys(config.Volumes ?? {})),
    ...output.keepOverrides.flatMap((field) => (field === "all" || said[field] ? [] : `--image-overrides ${field}`)),
  ];
  const dropped = !keep.includeHealthcheck && config.Healthcheck !== undefined;
  return [
    ...idle.map((rule) => ({
      code: "output.changes-nothing",
      text: `${rule} changes nothing: the image has no such thing.`,
    })),
    ...(dropped
      ? [{ code: "output.no-healthcheck", text: "The image's HEALTHCHECK was not run, and the slim image has none." }]
      : []),
  ];
}

const without = (env: readonly string[] | undefined, names: readonly string[]): string[] =>
  (env ?? []).filter((text) => !names.includes(assignment(text)[0]));

/** Assignments with new values in the places of the old ones; new names come last. */
function assigned(before: readonly string[], more: readonly string[]): string[] {
  const values = new Map([...before, ...more].map((text) => [assignment(text)[0], text]));
  return [...values.values()];
}

function keySet(before: ImageConfig["Volumes"], gone: readonly string[], more: readonly string[]) {
  const kept = Object.entries(before ?? {}).filter(([key]) => !gone.includes(key));
  return { ...Object.fromEntries(kept), ...Object.fromEntries(more.map((key) => [key, {}])) };
}

/** As configs are read: what is empty is not there. */
const withoutEmpty = (config: ImageConfig): ImageConfig =>
  Object.fromEntries(
    Object.entries(config).filter(
      ([, value]) =>
        value !== undefined &&
        value !== "" &&
        !(typeof value === "object" && value !== null && Object.keys(value).length === 0),
    ),
  );
