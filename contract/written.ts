import { z } from "zod";
import { WinnowError } from "./error.ts";
import { nearest } from "./nearest.ts";

export type Context = { addIssue(issue: { code: "custom"; message: string; path?: PropertyKey[] }): void };
type Form = "text" | "number" | "flag" | "list" | "map";

/**
 * A map whose keys are all known. The message of an unknown one says what was likely meant; of several, one line each, in the
 * order of the issue's `keys`.
 */
export const strict = <S extends z.core.$ZodLooseShape>(shape: S) =>
  z.strictObject(shape, {
    error: (issue) =>
      issue.code === "unrecognized_keys"
        ? issue.keys.map((key) => `is not a key that is known here${nearest(key, Object.keys(shape))}`).join("\n")
        : undefined,
  });

/** One of several ways to write the same; a fault is told for the way that was taken. `hint` follows "write". */
export const written = <T>(forms: Partial<Record<Form, z.ZodType<T>>>, hint: string) =>
  z.unknown().transform((value, context): T => {
    const form = formOf(value);
    const parsed = form && forms[form]?.safeParse(value);
    if (parsed?.success) return parsed.data;
    if (parsed) for (const issue of parsed.error.issues) context.addIssue({ ...issue });
    else context.addIssue({ code: "custom", message: `write ${hint}` });
    return z.NEVER;
  });

function formOf(value: unknown): Form | undefined {
  if (Array.isArray(value)) return "list";
  if (typeof value === "string") return "text";
  if (typeof value === "number") return "number";
  if (typeof value === "boolean") return "flag";
  return typeof value === "object" && value !== null ? "map" : undefined;
}

/** A text that something else reads; what it throws becomes a fault of the text. */
export const readBy = <T>(read: (text: string) => T) =>
  z.string().transform((text, context): T => {
    try {
      return read(text);
    } catch (thrown) {
      if (!(thrown instanceof WinnowError)) throw thrown;
      context.addIssue({ code: "custom", message: `${thrown.message} ${thrown.hint}` });
      return z.NEVER;
    }
  });

/** A number with a unit. `base` is the unit of a number alone. */
const measured = (units: Readonly<Record<string, number>>, base: number, hint: string) =>
  written(
    {
      number: z.number().transform((count) => Math.round(count * base)),
      text: z.string().transform((text, context): number => {
        const [, count, unit = ""] = /^(\d+(?:\.\d+)?) *([A-Za-z]*)$/.exec(text) ?? [];
        const factor = unit === "" ? base : units[unit.toLowerCase()];
        if (count !== undefined && factor !== undefined) return Math.round(Number(count) * factor);
        context.addIssue({ code: "custom", message: `write ${hint}` });
        return z.NEVER;
      }),
    },
    hint,
  );

/** Milliseconds. */
export const Duration = measured(
  { ms: 1, s: 1000, m: 60_000, min: 60_000, h: 3_600_000 },
  1000,
  "a time such as 90s, 5m or 500ms, or a number of seconds",
);

const kibi = 1024;
/** Bytes. As the Docker client has it, `k`, `m` and `g` are powers of 1024; `kB`, `MB` and `GB` are too. */
export const Size = measured(
  Object.fromEntries(
    ["", "k", "m", "g", "t"].flatMap((letter, power) =>
      [letter, `${letter}b`, `${letter}ib`].map((unit) => [unit, kibi ** power]),
    ),
  ),
  1,
  "a size such as 512MiB or 2GiB, or a number of bytes",
);
