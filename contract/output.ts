import { z } from "zod";

export const EnvAssignment = z.string().regex(/^[^=\0]+=[^\0]*$/, "write NAME=value");
export const ExposedPort = z.string().regex(/^\d+(\/(tcp|udp|sctp))?$/, "write PORT or PORT/tcp");
const Volume = z.string().regex(/^\/[^\0]*$/, "write an absolute path");
const Name = z.string().regex(/^[^=\0]+$/, "write a name");

/** What a scenario and `run` say otherwise than the image, and the slim image's config is to say too. */
export const Override = z.enum(["entrypoint", "cmd", "workdir", "env", "expose", "volume", "label", "user", "all"]);
export type Override = z.infer<typeof Override>;

/** How the config of the slim image differs from the original's. Without any of it there is no difference. */
export const Output = z
  .strictObject({
    keepOverrides: z.array(Override).default([]),
    /** Drops the image's CMD, as in a Dockerfile, unless `cmd` is there; an empty list takes it away. */
    entrypoint: z.array(z.string()).optional(),
    cmd: z.array(z.string()).optional(),
    workdir: z.string().startsWith("/").optional(),
    env: z.array(EnvAssignment).default([]),
    expose: z.array(ExposedPort).default([]),
    volumes: z.array(Volume).default([]),
    labels: z.array(EnvAssignment).default([]),
    removeEnv: z.array(Name).default([]),
    removeExpose: z.array(ExposedPort).default([]),
    removeVolumes: z.array(Volume).default([]),
    removeLabels: z.array(Name).default([]),
  })
  .superRefine((output, context) => {
    for (const { path, message } of contradictions(output)) context.addIssue({ code: "custom", path, message });
  });
export type Output = z.infer<typeof Output>;

/** `80` as configs have it: `80/tcp`. */
export const withProtocol = (port: string): string => (port.includes("/") ? port : `${port}/tcp`);

/** `NAME=value` in its two parts; a name alone has no value. */
export function assignment(text: string): [name: string, value: string] {
  const equals = text.indexOf("=");
  return equals < 0 ? [text, ""] : [text.slice(0, equals), text.slice(equals + 1)];
}

type Contradiction = { path: PropertyKey[]; message: string };

const volumePath = (path: string): string => path.replace(/(?<=.)\/+$/, "");

/** Edits of which one would undo the other. */
function contradictions(output: Output): Contradiction[] {
  const setTwice = (["entrypoint", "cmd", "workdir"] as const).flatMap((field) =>
    output[field] !== undefined && output.keepOverrides.includes(field)
      ? [{ path: ["keepOverrides"], message: `${field} is to be kept as it was run, and to be another one` }]
      : [],
  );
  const nameOf = (text: string) => assignment(text)[0];
  return [
    ...setTwice,
    ...twoValues("env", output.env),
    ...twoValues("labels", output.labels),
    ...addedAndRemoved("removeEnv", output.env.map(nameOf), output.removeEnv),
    ...addedAndRemoved("removeLabels", output.labels.map(nameOf), output.removeLabels),
    ...addedAndRemoved("removeExpose", output.expose.map(withProtocol), output.removeExpose.map(withProtocol)),
    ...addedAndRemoved("removeVolumes", output.volumes.map(volumePath), output.removeVolumes.map(volumePath)),
  ];
}

function twoValues(field: string, assignments: readonly string[]): Contradiction[] {
  return assignments.flatMap((text, index) => {
    const [name, value] = assignment(text);
    const before = assignments
      .slice(0, index)
      .map(assignment)
      .find((one) => one[0] === name);
    return before && before[1] !== value
      ? [{ path: [field, index], message: `${name} is set to ${JSON.stringify(before[1])} before` }]
      : [];
  });
}

const addedAndRemoved = (field: string, added: readonly string[], removed: readonly string[]): Contradiction[] =>
  removed.flatMap((name, index) =>
    added.includes(name) ? [{ path: [field, index], message: `${name} is to be added and to be taken away` }] : [],
  );
