import { type Instruction, readInstruction, readPairs, readWords } from "./history-step.ts";
import type { HistoryStep, ImageConfig, SourceImage } from "./source.ts";

/** Quotes a value for ENV and LABEL. A Dockerfile cannot hold a line break in one; it becomes a blank. */
export function quote(value: string): string {
  const line = value.replace(/\r?\n/g, " ");
  if (/^[\w./:,@%+~-]+$/.test(line)) return line;
  return `"${line.replace(/[\\"$]/g, "\\$&")}"`;
}

const jsonWords = (words: readonly string[]): string => `[${words.map((word) => JSON.stringify(word)).join(", ")}]`;

const seconds = (nanoseconds: number): string => `${nanoseconds / 1e9}s`;

/** The instruction that makes this health check. */
export function healthcheckLine({
  Test = [],
  Interval,
  Timeout,
  StartPeriod,
  StartInterval,
  Retries,
}: NonNullable<ImageConfig["Healthcheck"]>): string | undefined {
  const [kind, ...words] = Test;
  if (kind === "NONE") return "HEALTHCHECK NONE";
  if (kind !== "CMD" && kind !== "CMD-SHELL") return undefined;
  const options = [
    Interval ? `--interval=${seconds(Interval)}` : "",
    Timeout ? `--timeout=${seconds(Timeout)}` : "",
    StartPeriod ? `--start-period=${seconds(StartPeriod)}` : "",
    StartInterval ? `--start-interval=${seconds(StartInterval)}` : "",
    Retries ? `--retries=${Retries}` : "",
  ].filter(Boolean);
  const command = kind === "CMD" ? jsonWords(words) : continued(words.join(" "));
  return ["HEALTHCHECK", ...options, "CMD", command].join(" ");
}

/** A shell command on one line of a Dockerfile: a line break in it is a continued line. */
const continued = (command: string): string => command.replace(/\\?\r?\n/g, " \\\n");

const envPairs = (config: ImageConfig): [string, string][] =>
  (config.Env ?? []).map((item) => {
    const equals = item.indexOf("=");
    return equals < 0 ? [item, ""] : [item.slice(0, equals), item.slice(equals + 1)];
  });

const pairLine = (name: string, [key, value]: [string, string]): string =>
  `${name} ${name === "LABEL" ? quote(key) : key}=${quote(value) || '""'}`;

/** Instructions of which the last one wins, as the final config has it; undefined when the config has none. */
function finalLine(name: string, config: ImageConfig): string | undefined {
  const words = (list: string[] | undefined): string | undefined =>
    list?.length ? `${name} ${jsonWords(list)}` : undefined;
  const text = (value: string | undefined): string | undefined => (value ? `${name} ${value}` : undefined);
  switch (name) {
    case "CMD":
      return words(config.Cmd);
    case "ENTRYPOINT":
      return words(config.Entrypoint);
    case "SHELL":
      return words(config.Shell);
    case "USER":
      return text(config.User);
    case "WORKDIR":
      return text(config.WorkingDir);
    case "STOPSIGNAL":
      return text(config.StopSignal);
    case "HEALTHCHECK":
      return config.Healthcheck && healthcheckLine(config.Healthcheck);
    default:
      return undefined;
  }
}

const single = ["USER", "WORKDIR", "STOPSIGNAL", "SHELL", "HEALTHCHECK", "ENTRYPOINT", "CMD"] as const;
const isSingle = (name: string): boolean => (single as readonly string[]).includes(name);

/**
 * A Dockerfile that would make this image, as far as its history tells: the steps in order, each with the size it added.
 * Files that were copied are named as the builder recorded them; they are not in it. What the config says and no step does
 * (ENV, LABEL, CMD, ...) stands at the end, so that the config is always the whole of it. Pure, and valid Dockerfile syntax
 * whatever the image says.
 */
export function reversedDockerfile(source: Pick<SourceImage, "reference" | "history" | "config">): string {
  const { config, history } = source;
  const instructions = history.map((step) => readInstruction(step.createdBy));
  const said = new Set<string>();
  const lines = history.flatMap((step, index) => {
    const instruction = instructions[index];
    const isLast = !instructions.slice(index + 1).some((later) => later?.name === instruction?.name);
    const body = instruction ? write(instruction, isLast, config, said) : unknown(step);
    return [...about(step), ...body, ...baseNote(instructions, index)];
  });
  const rest = remaining(config, instructions, said);
  const heredoc = lines.some((line) => line.startsWith("RUN <<"));
  return [
    ...(heredoc ? ["# syntax=docker/dockerfile:1"] : []),
    `# Reversed from the history and config of ${comment(source.reference)}. Base images and copied files are not in it.`,
    "FROM scratch",
    ...lines,
    ...(rest.length > 0 ? ["", "# Said by the config alone:", ...rest] : []),
    "",
  ].join("\n");
}

const comment = (text: string): string => text.replace(/[\x00-\x1f\x7f]+/g, " ").trim();

function about({ size, created, comment: note }: HistoryStep): string[] {
  const time = created > 0 ? `, ${new Date(created).toISOString().slice(0, 10)}` : "";
  const remark = note && !/^buildkit\./.test(note) ? `, ${comment(note)}` : "";
  return size > 0 ? ["", `# ${size} bytes${time}${remark}`] : [];
}

const unknown = ({ createdBy }: HistoryStep): string[] => (createdBy.trim() === "" ? [] : [`# ${comment(createdBy)}`]);

/** A CMD that is not the last one usually ended the Dockerfile of a base image. */
function baseNote(instructions: readonly (Instruction | undefined)[], index: number): string[] {
  const later = instructions.slice(index + 1).some((step) => step?.name === "CMD" || step?.name === "ENTRYPOINT");
  return instructions[index]?.name === "CMD" && later ? ["", "# A base image may end here."] : [];
}

function write(instruction: Instruction, isLast: boolean, config: ImageConfig, said: Set<string>): string[] {
  const { name, text } = instruction;
  if (name === "RUN") return runLines(instruction);
  if (name === "ENV" || name === "LABEL") {
    const pairs = readPairs(
      text,
      new Set(name === "ENV" ? envPairs(config).map(([key]) => key) : Object.keys(config.Labels ?? {})),
    );
    for (const [key, value] of pairs) said.add(`${name} ${key}=${value}`);
    return pairs.map((pair) => pairLine(name, pair));
  }
  if (isSingle(name) && isLast) {
    said.add(name);
    const final = finalLine(name, config);
    return final ? final.split("\n") : [`# ${name} ${comment(text)} (not in the config)`];
  }
  const line = earlierLine(name, text);
  said.add(line);
  return line.split("\n");
}

function earlierLine(name: string, text: string): string {
  const words = readWords(text);
  if (name === "CMD" || name === "ENTRYPOINT" || name === "SHELL" || name === "VOLUME") {
    return words ? `${name} ${jsonWords(words)}` : `${name} ${continued(text)}`;
  }
  if (name === "EXPOSE") return `EXPOSE ${portsOf(text).join(" ")}`;
  // The recorded form is a dump of a Go struct; only the last one can be told, from the config.
  if (name === "HEALTHCHECK" && text.startsWith("&{")) return `# HEALTHCHECK ${comment(text)}`;
  return `${name} ${continued(text)}`.trimEnd();
}

/** `80/tcp`, `map[80/tcp:{}]`, `[80/tcp]`. */
const portsOf = (text: string): string[] => text.match(/\d+(?:-\d+)?(?:\/\w+)?/g) ?? [];

function runLines({ text, shell }: Instruction): string[] {
  const isDefault = shell.length === 0 || shell.join(" ") === "/bin/sh -c";
  if (!text.includes("\n")) return [isDefault ? `RUN ${text}` : `RUN ${jsonWords([...shell, text])}`];
  if (!isDefault) return [`RUN ${jsonWords([...shell, text])}`];
  let mark = "EOT";
  while (text.split("\n").includes(mark)) mark += "_";
  return [`RUN <<"${mark}"`, ...text.split("\n"), mark];
}

/** What the final config says and no step said. */
function remaining(
  config: ImageConfig,
  instructions: readonly (Instruction | undefined)[],
  said: ReadonlySet<string>,
): string[] {
  const has = (name: string): string =>
    instructions.flatMap((step) => (step?.name === name ? [step.text] : [])).join(" ");
  const pairs = (name: string, all: [string, string][]): string[] =>
    all.filter(([key, value]) => !said.has(`${name} ${key}=${value}`)).map((pair) => pairLine(name, pair));
  const ports = portsOf(has("EXPOSE")).map((port) => (port.includes("/") ? port : `${port}/tcp`));
  const unexposed = Object.keys(config.ExposedPorts ?? {}).filter((port) => !ports.includes(port));
  const mounted = has("VOLUME");
  const volumes = Object.keys(config.Volumes ?? {}).filter((path) => !mounted.includes(path));
  const triggers = has("ONBUILD");
  return [
    ...pairs("ENV", envPairs(config)),
    ...pairs("LABEL", Object.entries(config.Labels ?? {})),
    ...(unexposed.length > 0 ? [`EXPOSE ${unexposed.join(" ")}`] : []),
    ...(volumes.length > 0 ? [`VOLUME ${jsonWords(volumes)}`] : []),
    ...(config.OnBuild ?? [])
      .filter((trigger) => !triggers.includes(trigger))
      .map((trigger) => `ONBUILD ${continued(trigger)}`),
    ...single.flatMap((name) => (said.has(name) ? [] : (finalLine(name, config) ?? []))),
  ];
}
