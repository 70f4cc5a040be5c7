import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { aBeam } from "./beam.builder.ts";
import { applicationsOf, applicationsOfBoot, configuredIn, parseBeam } from "./beam.ts";

describe("parseBeam", () => {
  const long = "Elixir.Barn.Animal.Enclosure";
  const parts = { atoms: ["häst", long], calls: ["lists", "io"] };
  const expected = {
    module: "barn",
    atoms: ["barn", "häst", long, "lists", "io"],
    calls: ["lists", "io"],
    commands: [],
  };

  it.each([25, 28])("reads atoms and calls as OTP %i writes them", (otp) => {
    expect(parseBeam(aBeam("barn", { ...parts, otp }))).toEqual(expected);
  });

  it("reads a module that is compressed as a whole", () => {
    expect(parseBeam(gzipSync(aBeam("barn", parts)))).toEqual(expected);
  });

  it("reads the Latin-1 atoms of old modules", () => {
    const bytes = aBeam("barn", { atoms: ["cow"] });
    bytes.write("Atom", bytes.indexOf("AtU8"));
    expect(parseBeam(bytes)?.atoms).toEqual(["barn", "cow"]);
  });

  it.each([25, 28])("reads the strings of a module that starts programs, as OTP %i writes them", (otp) => {
    const strings = ["uname -s", "no\u0001text", "a sentence"];
    expect(parseBeam(aBeam("barn", { calls: ["os:cmd"], strings, otp }))?.commands).toEqual(["uname -s", "a sentence"]);
    expect(parseBeam(aBeam("barn", { calls: ["os:getenv"], strings, otp }))?.commands).toEqual([]);
  });

  it("takes nothing else for a module", () => {
    expect(
      ["", "FOR1", "FOR1\0\0\0\x04AIFF", "\x1f\x8b broken"].map((text) => parseBeam(Buffer.from(text, "latin1"))),
    ).toEqual([undefined, undefined, undefined, undefined]);
  });

  it("never fails on a damaged module", () => {
    const whole = aBeam("barn", parts);
    fc.assert(
      fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, end) => {
        const damaged = Buffer.from(whole);
        damaged[at] = byte;
        parseBeam(damaged);
        parseBeam(damaged.subarray(0, end));
      }),
    );
  });
});

describe("applicationsOf", () => {
  it("reads all lists of an application file", () => {
    const app = `{application, barn, [ % {applications, [commented]}
      {modules, [barn_app]}, {applications, [kernel, 'ssl',
      stdlib]}, {included_applications,[mnesia]}, {optional_applications, []}]}.`;
    expect(applicationsOf(app)).toEqual(["kernel", "ssl", "stdlib", "mnesia"]);
  });

  it("reads a megabyte of open lists in a moment", () => {
    const start = performance.now();
    expect(applicationsOf("{applications,[".repeat(100_000))).toEqual([]);
    expect(performance.now() - start).toBeLessThan(30_000);
  });
});

it("applicationsOfBoot finds the applications of the code path", () => {
  const boot = Buffer.from("\x83kk\0\x1c$ROOT/lib/ssl-10.8.7/ebink\0\x10$BARN/barn/ebinj/ebin", "latin1");
  expect(applicationsOfBoot(boot)).toEqual(["ssl", "barn"]);
});

it("configuredIn tells applications and atoms, not strings and comments", () => {
  const { atoms, applications } = configuredIn(`[ % {none, []}
    {barn, [{port, 80}, {store, 'Elixir.Barn.Store'}, {file, "some words"}]}, {logger, [{level, info}]}].`);
  expect(applications).toEqual(["barn", "logger"]);
  expect(atoms).toEqual(["barn", "port", "store", "Elixir.Barn.Store", "file", "logger", "level", "info"]);
});
