import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { hashToken, makeToken, parseToken } from "./token.ts";

describe("a token", () => {
  it("is read back with the hash that is stored and its last four characters", () => {
    const token = makeToken("wapi");
    expect(token).toMatch(/^wapi_[A-Za-z0-9_-]{43}[0-9A-Za-z]{6}$/);
    expect(parseToken(token)).toEqual({ prefix: "wapi", hash: hashToken(token), lastFour: token.slice(-4) });
  });

  it("differs each time", () => {
    expect(new Set(Array.from({ length: 100 }, () => makeToken("wrun"))).size).toBe(100);
  });

  it("is mistyped when any one character of it is another", () => {
    const token = makeToken("watt");
    fc.assert(
      fc.property(fc.integer({ min: 5, max: token.length - 1 }), fc.constantFrom(..."abcXYZ019-_"), (at, other) => {
        fc.pre(token[at] !== other);
        expect(parseToken(token.slice(0, at) + other + token.slice(at + 1))).toBe("mistyped");
      }),
    );
  });

  it("is mistyped when it is cut, longer, or has another prefix of ours", () => {
    const token = makeToken("wapi");
    for (const text of [token.slice(0, -1), `${token}a`, "wapi_", token.replace("wapi", "wrun")])
      expect(parseToken(text)).toBe("mistyped");
  });

  it("is foreign when it never was one of ours", () => {
    for (const text of ["", "ghp_abc", "secret", `WAPI_${"a".repeat(49)}`]) expect(parseToken(text)).toBe("foreign");
  });
});
