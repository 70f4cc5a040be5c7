import fc from "fast-check";
import { expect, it } from "vitest";
import { canonicalJson } from "./canonical-json.ts";

it("sorts keys at every depth and keeps lists", () => {
  expect(canonicalJson({ b: [{ d: 1, c: 2 }, 3], a: null, z: undefined })).toBe('{"a":null,"b":[{"c":2,"d":1},3]}');
});

it("is the same text for the same value in any order of fields, and says the same as JSON", () => {
  const shuffled = fc.dictionary(fc.string(), fc.jsonValue()).chain((value) =>
    fc.shuffledSubarray(Object.entries(value), { minLength: Object.keys(value).length }).map((entries) => ({
      value,
      other: Object.fromEntries(entries),
    })),
  );
  fc.assert(
    fc.property(shuffled, ({ value, other }) => {
      expect(canonicalJson(other)).toBe(canonicalJson(value));
      expect(JSON.parse(canonicalJson(value))).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
});
