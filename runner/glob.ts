import { WinnowError } from "#contract/error.ts";

const maxLength = 4096;
const maxAlternatives = 64;

/**
 * Compiles a user's glob over absolute paths of an image.
 *
 * `?` one character, `*` any run of characters, `[a-z]` `[!a-z]` one of a set: none of them matches `/`. `**` matches `/`
 * too, and `**` between slashes also stands for no directory at all: `/a/**` + `/b` matches `/a/b`. `{x,y}` are alternatives,
 * `\` makes the next character literal. A pattern that does not start with `/` matches at any depth (`*.md`). Slashes at the
 * end do not count. The time of a match is bounded by pattern length times path length, whatever the pattern.
 *
 * Throws `request.invalid` with what is wrong.
 */
export function compileGlob(pattern: string): (path: string) => boolean {
  const matchers = expandGlob(pattern).map(compileAlternative);
  const [only] = matchers;
  return matchers.length === 1 && only ? only : (path) => matchers.some((matches) => matches(path));
}

/** The alternatives that a pattern's braces stand for: absolute patterns without braces. Throws `request.invalid`. */
export function expandGlob(pattern: string): string[] {
  if (pattern.length > maxLength) throw invalid(pattern, `it is longer than ${maxLength} characters`);
  if (pattern.includes("\0")) throw invalid(pattern, "it holds a NUL character");
  const { alternatives } = readAlternatives(pattern, 0, 0);
  return [...new Set(alternatives.map((each) => (each.startsWith("/") ? each : `/**/${each}`)))];
}

/** Makes a literal path into a pattern that matches it alone. */
export function escapeGlob(path: string): string {
  return path.replace(/[\\*?[\]{},]/g, "\\$&");
}

/**
 * Cuts a brace-free absolute pattern after its last literal directory: `/usr/lib*` + `/x` gives `/usr` and `lib*` + `/x`. A pattern with no
 * special character gives itself and an empty rest. The literal part is unescaped: it is a path.
 */
export function splitGlob(alternative: string): { literal: string; rest: string } {
  const parts = alternative.split("/").slice(1);
  const special = parts.findIndex((part) => /[*?[]/.test(part.replace(/\\./gs, "")));
  const literal = special === -1 ? parts : parts.slice(0, special);
  const path = `/${literal.join("/").replace(/\\(.)/gs, "$1")}`;
  return {
    literal: path.length > 1 ? path.replace(/\/+$/, "") || "/" : path,
    rest: special === -1 ? "" : parts.slice(special).join("/"),
  };
}

function invalid(pattern: string, why: string): WinnowError {
  const shown = pattern.length > 80 ? `${pattern.slice(0, 77)}...` : pattern;
  return new WinnowError(
    "request.invalid",
    `The pattern "${shown}" cannot be used: ${why}.`,
    "Patterns know ? * ** [set] {a,b}; write a backslash before a special character that stands for itself.",
  );
}

/** Reads up to the end of the pattern, or up to the `,` or `}` that ends an alternative when `depth` > 0. */
function readAlternatives(pattern: string, from: number, depth: number): { alternatives: string[]; end: number } {
  if (depth > 8) throw invalid(pattern, "its braces are nested more than 8 deep");
  let alternatives = [""];
  const append = (texts: string[]) => {
    if (alternatives.length * texts.length > maxAlternatives)
      throw invalid(pattern, `its braces stand for more than ${maxAlternatives} alternatives`);
    alternatives = alternatives.flatMap((head) => texts.map((text) => head + text));
  };
  let at = from;
  while (at < pattern.length) {
    const char = pattern[at];
    if (char === "{") {
      const group: string[] = [];
      do {
        const { alternatives: inner, end } = readAlternatives(pattern, at + 1, depth + 1);
        group.push(...inner);
        if (group.length > maxAlternatives)
          throw invalid(pattern, `its braces stand for more than ${maxAlternatives} alternatives`);
        at = end;
      } while (pattern[at] === ",");
      if (pattern[at] !== "}") throw invalid(pattern, "a { is never closed");
      at++;
      append(group);
    } else if (depth > 0 && (char === "," || char === "}")) {
      break;
    } else {
      // A run of plain text goes in at once: appending it letter by letter would copy every alternative each time.
      const start = at;
      while (at < pattern.length && pattern[at] !== "{" && !(depth > 0 && (pattern[at] === "," || pattern[at] === "}")))
        at = pattern[at] === "[" ? setEnd(pattern, at) : pattern[at] === "\\" ? at + 2 : at + 1;
      if (at > pattern.length) throw invalid(pattern, "it ends with a backslash");
      append([pattern.slice(start, at)]);
    }
  }
  return { alternatives, end: at };
}

/** The index behind the `]` of the set that starts at `from`. A `]` that stands first is a member. */
function setEnd(pattern: string, from: number): number {
  let at = from + 1;
  if (pattern[at] === "!" || pattern[at] === "^") at++;
  if (pattern[at] === "]") at++;
  while (at < pattern.length && pattern[at] !== "]") {
    if (pattern[at] === "[" && /[:.=]/.test(pattern[at + 1] ?? ""))
      throw invalid(pattern, "sets like [[:alpha:]] are not known");
    at += pattern[at] === "\\" ? 2 : 1;
  }
  if (at >= pattern.length) throw invalid(pattern, "a [ is never closed");
  return at + 1;
}

/** One step of a pattern: `star` and `deep` (`**`) match any number of characters, the others exactly one. */
type Step =
  | { kind: "char"; code: number }
  | { kind: "any" }
  | { kind: "set"; ranges: [number, number][]; negated: boolean }
  | { kind: "star" }
  | { kind: "deep" }
  /** `**` between slashes: nothing, or any text that ends with a slash. */
  | { kind: "directories" };

const slash = 0x2f;

function readSteps(pattern: string): Step[] {
  const steps: Step[] = [];
  let at = 0;
  while (at < pattern.length) {
    const char = pattern[at];
    if (char === "*") {
      let stars = at;
      while (pattern[stars] === "*") stars++;
      const whole = stars - at > 1 && pattern[at - 1] === "/" && pattern[stars] === "/";
      // `**/**/` says no more than `**/`, and equal neighbours would only cost time.
      const step: Step = { kind: whole ? "directories" : stars - at > 1 ? "deep" : "star" };
      if (steps.at(-1)?.kind !== step.kind) steps.push(step);
      at = whole ? stars + 1 : stars;
    } else if (char === "?") {
      steps.push({ kind: "any" });
      at++;
    } else if (char === "[") {
      const end = setEnd(pattern, at);
      steps.push(readSet(pattern, pattern.slice(at + 1, end - 1)));
      at = end;
    } else {
      if (char === "\\") at++;
      const code = pattern.codePointAt(at) ?? 0;
      steps.push({ kind: "char", code });
      at += code > 0xffff ? 2 : 1;
    }
  }
  return steps;
}

function readSet(pattern: string, inside: string): Step {
  const negated = inside.startsWith("!") || inside.startsWith("^");
  const members: { code: number; literal: boolean }[] = [];
  const chars = Array.from(negated ? inside.slice(1) : inside);
  for (let at = 0; at < chars.length; at++) {
    const escaped = chars[at] === "\\";
    if (escaped) at++;
    members.push({ code: chars[at]?.codePointAt(0) ?? 0, literal: escaped });
  }
  const ranges: [number, number][] = [];
  for (let at = 0; at < members.length; at++) {
    const first = members[at];
    const dash = members[at + 1];
    const last = members[at + 2];
    if (!first) break;
    if (dash && last && dash.code === 0x2d && !dash.literal) {
      if (last.code < first.code) throw invalid(pattern, "a set holds a range that runs backwards");
      ranges.push([first.code, last.code]);
      at += 2;
    } else {
      ranges.push([first.code, first.code]);
    }
  }
  return { kind: "set", ranges, negated };
}

function accepts(step: Step, code: number): boolean {
  switch (step.kind) {
    case "char":
      return step.code === code;
    case "any":
    case "star":
      return code !== slash;
    case "set":
      return code !== slash && step.ranges.some(([low, high]) => low <= code && code <= high) !== step.negated;
    case "deep":
    case "directories":
      return true;
  }
}

/**
 * Walks all the places of the pattern that a path can be at together, one character at a time, so that nothing is tried twice:
 * backtracking takes exponential time on patterns like `*a*a*a*b`.
 */
function compileAlternative(alternative: string): (path: string) => boolean {
  const steps = readSteps(alternative.replace(/(?<=[^\\/])\/+$/, ""));
  const special = steps.findIndex((step) => step.kind !== "char");
  const plain = special === -1 ? steps : steps.slice(0, special);
  const prefix = plain.map((step) => (step.kind === "char" ? String.fromCodePoint(step.code) : "")).join("");
  if (special === -1) return (path) => path === prefix;

  const rest = steps.slice(special);
  const suffix = rest
    .slice(rest.findLastIndex((step) => step.kind !== "char") + 1)
    .map((step) => (step.kind === "char" ? String.fromCodePoint(step.code) : ""))
    .join("");
  const seen = new Int32Array(rest.length + 1);
  let mark = 0;
  /** Adds place `at` and all that can be reached from it without a character. */
  const reach = (places: number[], at: number) => {
    for (let place = at; seen[place] !== mark; place++) {
      seen[place] = mark;
      places.push(place);
      const kind = rest[place]?.kind;
      if (kind !== "star" && kind !== "deep" && kind !== "directories") return;
    }
  };
  return (path) => {
    if (!path.startsWith(prefix) || !path.endsWith(suffix)) return false;
    // One compiled glob is called tens of thousands of times: marks instead of clearing. 2^31 marks outlast any image.
    mark = (mark + 1) & 0x7fffffff;
    let places: number[] = [];
    reach(places, 0);
    for (let at = prefix.length; at < path.length && places.length > 0; ) {
      const code = path.codePointAt(at) ?? 0;
      at += code > 0xffff ? 2 : 1;
      mark = (mark + 1) & 0x7fffffff;
      const next: number[] = [];
      for (const place of places) {
        const step = rest[place];
        if (!step || !accepts(step, code)) continue;
        if (step.kind === "star" || step.kind === "deep") reach(next, place);
        else if (step.kind === "directories") {
          // Inside the run only another slash ends it: the place is held without the empty way out.
          if (code === slash) reach(next, place);
          else if (seen[place] !== mark) {
            seen[place] = mark;
            next.push(place);
          }
        } else reach(next, place + 1);
      }
      places = next;
    }
    return places.includes(rest.length);
  };
}
