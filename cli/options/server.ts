import { WinnowError } from "#contract/error.ts";

const invalid = (message: string, hint: string) => new WinnowError("request.invalid", message, hint);

/** A whole number, or undefined where the flag was not given. Throws `request.invalid`; its bounds are the server's to know. */
export function numberOf(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^-?\d{1,9}$/.test(text)) return Number(text);
  throw invalid(`${flag} ${JSON.stringify(text)}: write a whole number.`, "See the command's --help.");
}

/** Milliseconds of a number of seconds. Throws `request.invalid`. */
export function durationOf(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}(\.\d+)?$/.test(text)) return Number(text) * 1000;
  throw invalid(`--timeout ${JSON.stringify(text)}: write a number of seconds.`, "See the command's --help.");
}

/** `name=value`, several in one text or in several. Throws `request.invalid`. */
export function needsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.flatMap((text) => text.split(",")).filter((pair) => pair !== "");
  return Object.fromEntries(
    pairs.map((pair) => {
      const equals = pair.indexOf("=");
      if (equals < 1)
        throw invalid(
          `--needs ${JSON.stringify(pair)}: write NAME=value.`,
          "Labels are those of `winnow runners list`.",
        );
      return [pair.slice(0, equals), pair.slice(equals + 1)];
    }),
  );
}
