import { z } from "@hono/zod-openapi";
import { InvalidRequest } from "../problem.ts";

/** A whole number in a query, where everything is text. */
export function wholeNumber({ min, max }: { min: number; max: number }) {
  return z
    .string()
    .regex(/^\d{1,16}$/, "write a whole number")
    .transform(Number)
    .pipe(z.int().min(min).max(max))
    .openapi({ type: "integer", minimum: min, maximum: max });
}

/** `name=1`; anything else is a fault, so that `name=false` is no surprise. */
export const flag = () =>
  z
    .enum(["1", "0"])
    .transform((text) => text === "1")
    .openapi({ type: "string", enum: ["1", "0"] });

/** A parameter that may be given several times: any of its values will do. */
export function several<T extends Readonly<Record<string, string>>>(one: z.ZodEnum<T>) {
  return z
    .union([one.transform((value) => [value]), z.array(one)])
    .openapi({ type: "array", items: { type: "string", enum: one.options } });
}

export const maxLimit = 200;
/** How many there are on a page. */
export const limit = wholeNumber({ min: 1, max: maxLimit }).default(50).openapi({ default: 50 });
/** Milliseconds UTC. */
export const time = () => wholeNumber({ min: 0, max: 8_640_000_000_000_000 });
export const cursor = z.string().max(200).openapi({ description: "`next` of the page before." });

/** Where the next page begins. Opaque to clients: what is in it may change. */
export function makeCursor(position: number): string {
  return Buffer.from(`1:${position}`).toString("base64url");
}

/** Throws `request.invalid` for what `makeCursor` did not make. */
export function readCursor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const [, position] = /^1:(\d{1,15})$/.exec(Buffer.from(text, "base64url").toString("latin1")) ?? [];
  if (position === undefined) throw new InvalidRequest([{ pointer: "cursor", detail: "is not the `next` of a page" }]);
  return Number(position);
}

/** A page and the cursor of the next one, from one row more than was asked for. */
export function paged<T>(rows: T[], size: number, positionOf: (row: T) => number): { page: T[]; next: string | null } {
  const page = rows.slice(0, size);
  const last = page.at(-1);
  return { page, next: rows.length > size && last ? makeCursor(positionOf(last)) : null };
}
