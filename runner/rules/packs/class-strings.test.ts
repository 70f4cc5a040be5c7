import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aClass } from "./class-strings.builder.ts";
import { classStrings } from "./class-strings.ts";

describe("classStrings", () => {
  it("tells literals from other texts, and classes", () => {
    const { literals, classes } = classStrings(aClass(["/etc/app.properties", "käse"], ["java/lang/ProcessBuilder"]));
    expect(literals).toEqual(["/etc/app.properties", "käse"]);
    expect([...classes]).toEqual(["java/lang/ProcessBuilder"]);
  });

  it("finds nothing in what is no class, and never fails", () => {
    expect(classStrings(Buffer.from("PK")).literals).toEqual([]);
    const whole = aClass(["a", "b"], ["C"]);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        expect(Array.isArray(classStrings(damaged.subarray(0, end)).literals)).toBe(true);
      }),
    );
  });
});
