import { z } from "zod";
import type { HttpProbe } from "./job.ts";
import type { PathPerms } from "./keep.ts";
import { EnvAssignment } from "./output.ts";
import { readBy, written } from "./written.ts";

/** How what a person writes as one text is read. Each throws WinnowError `request.invalid` for a text that means nothing. */
export type ShortForms = {
  /** `serve "a b"`, nothing expanded. */
  argv(text: string): string[];
  /** The same, but what only a shell understands becomes `sh -c TEXT`. */
  execArgv(text: string): string[];
  /** `[[PROTO:]METHOD:]RESOURCE`. */
  httpProbe(text: string): HttpProbe;
  /** `PATH:OCTAL#UID#GID`. */
  pathPerms(text: string): PathPerms;
};

export const Scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: "write a text or a number" })
  .transform(String);

export const Env = written(
  {
    list: z.array(EnvAssignment),
    map: z.record(z.string(), Scalar).transform((map, context) =>
      Object.entries(map).map(([name, value]) => {
        const assignment = `${name}=${value}`;
        if (EnvAssignment.safeParse(assignment).success && !name.includes("=")) return assignment;
        context.addIssue({ code: "custom", message: "cannot be the name or the value of a variable", path: [name] });
        return z.NEVER;
      }),
    ),
  },
  "a map of NAME: value, or a list of NAME=value",
);

export const lineOf = (read: (text: string) => string[]) =>
  written({ text: readBy(read), list: z.array(z.string()) }, "a command line, or a list of words");
