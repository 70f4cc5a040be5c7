import { isDeepStrictEqual } from "node:util";
import type { Expectation } from "./sample.ts";

/** What distinguishes a text from the expected one; undefined when nothing does. */
export function differs(actual: string, { contains, matches, equals }: Expectation): string | undefined {
  const shown = JSON.stringify(actual.length > 400 ? `${actual.slice(0, 400)}…` : actual);
  if (equals !== undefined && actual !== equals) return `${shown} is not ${JSON.stringify(equals)}`;
  const missing = contains?.find((part) => !actual.includes(part));
  if (missing !== undefined) return `${shown} does not contain ${JSON.stringify(missing)}`;
  if (matches && !matches.test(actual)) return `${shown} does not match ${matches}`;
  return undefined;
}

/** Arrays and objects must hold what is expected and may hold more: other labels, other variables. */
export function missingFrom(actual: unknown, expected: unknown): string | undefined {
  if (Array.isArray(expected) && Array.isArray(actual)) {
    const absent = expected.find((item) => !actual.some((other) => isDeepStrictEqual(item, other)));
    return absent === undefined ? undefined : `${JSON.stringify(absent)} is not in ${JSON.stringify(actual)}`;
  }
  if (expected instanceof Object && actual instanceof Object) {
    const have = new Map(Object.entries(actual));
    const wrong = Object.entries(expected).find(([key, value]) => !isDeepStrictEqual(have.get(key), value));
    return wrong && `${wrong[0]} is ${JSON.stringify(have.get(wrong[0]))}, expected ${JSON.stringify(wrong[1])}`;
  }
  return isDeepStrictEqual(actual, expected)
    ? undefined
    : `${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`;
}
