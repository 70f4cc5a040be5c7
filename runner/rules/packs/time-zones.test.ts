import { existsSync, readdirSync } from "node:fs";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { anElf } from "../elf.builder.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { timeZones } from "./time-zones.ts";
import { setsZone } from "./time-zones-compiled.ts";
import { asksForAnyZone, zoneNamesIn } from "./zone-names.ts";

const zones = new Set([
  "Europe/Berlin",
  "Europe/Paris",
  "America/Argentina/Salta",
  "America/New_York",
  "CET",
  "Japan",
  "Etc/GMT+5",
  "UTC",
]);
const namesIn = (text: string) => [...zoneNamesIn(Buffer.from(text, "latin1"), zones)];

describe("zone names", () => {
  it.each([
    ['tz = "Europe/Berlin"', ["Europe/Berlin"]],
    ["TZ=America/Argentina/Salta\n", ["America/Argentina/Salta"]],
    ["/usr/share/zoneinfo/Europe/Paris", ["Europe/Paris"]],
    ["Etc/GMT+5", ["Etc/GMT+5"]],
    ["'CET' CET", ["CET"]],
    ["Europe/Berlinale and OldEurope/Paris", []],
    ["made in 'Japan'", []],
    ["europe/berlin", []],
    ["", []],
  ])("in the text %j are %j", (text, names) => {
    expect(namesIn(text)).toEqual(names);
  });

  it("in a binary stand without anything between them", () => {
    expect(namesIn("\0\0xEurope/BerlinEurope/ParisAmerica/New_Yorkers")).toEqual([
      "Europe/Berlin",
      "Europe/Paris",
      "America/New_York",
    ]);
  });

  it("are found where pieces of a large file meet", () => {
    const at = (position: number) => {
      const file = Buffer.alloc(3 << 20, " ");
      file.write("Europe/Berlin", position);
      return [...zoneNamesIn(file, zones)];
    };
    for (const position of [0, 1, (1 << 20) - 13, (1 << 20) - 5, (1 << 20) - 1, 1 << 20, (2 << 20) - 7, (3 << 20) - 13])
      expect(at(position)).toEqual(["Europe/Berlin"]);
  });

  it("are found in any bytes", () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => void zoneNamesIn(Buffer.from(bytes), zones)));
  });
});

it.each([
  ["zoneinfo.available_timezones()", true],
  ["tz = ZoneInfo(request.args['tz'])", true],
  ['tz = ZoneInfo("Europe/Berlin")', false],
  ["new DateTimeZone($name)", true],
  ["new DateTimeZone('Europe/Paris')", false],
  ["ZoneInfo( )", false],
  ["print(1)", false],
  ['$ENV{TZ} = $query->param("zone");', true],
  ['$ENV{TZ} = "UTC";', false],
  ["ENV['TZ'] = zone", true],
  ['if os.environ["TZ"] == zone:', false],
  ["process.env.TZ = zone", true],
  ["process.env.TZ === zone", false],
  ['putenv("TZ=$zone");', true],
  ["format(now, get_timezone(zone))", true],
])("%j asks for zones that it does not name: %j", (text, answer) => {
  expect(asksForAnyZone(text)).toBe(answer);
});

/** A program with these names in its dynamic string table, and these C strings. */
const program = (names: string[], text: string) =>
  Buffer.concat([anElf({ interp: "/lib/ld-musl-x86_64.so.1", needed: names }), Buffer.from(`\0${text}\0`)]);

it.each([
  [["setenv", "tzset", "localtime"], "TZ", true],
  [["putenv", "localtime_r"], "x\0TZ=%s", true],
  [["getenv", "localtime", "tzset"], "TZ", false],
  [["setenv", "fopen"], "TZ", false],
  [["setenv", "tzset"], "TZDIR\0PATZ\0TZ unknown", false],
  [["getenv", "setenv", "unsetenv", "tzset", "mktime"], "TZ", false],
])("a program that imports %j and has the string %j sets its zone: %j", (names, text, answer) => {
  expect(setsZone(program(names, text))).toBe(answer);
});

it("only a dynamically linked program can be told to set its zone", () => {
  expect(setsZone(Buffer.concat([anElf(), Buffer.from("\0TZ\0setenv\0tzset\0")]))).toBe(false);
  expect(setsZone(Buffer.from("\0TZ\0setenv\0tzset\0"))).toBe(false);
  const whole = program(["setenv", "tzset"], "TZ");
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), (at, byte) => {
      const damaged = Buffer.from(whole);
      damaged[at] = byte;
      setsZone(damaged);
    }),
  );
});

const info = "/usr/share/zoneinfo";
const tree = {
  [`${info}/Europe/Berlin`]: "TZif",
  [`${info}/Europe/Paris`]: "TZif",
  [`${info}/UTC`]: "-> Etc/UTC",
  [`${info}/Etc/UTC`]: "TZif",
  [`${info}/right/Europe/Berlin`]: "TZif",
  [`${info}/posix/Europe/Berlin`]: "TZif",
  [`${info}/zone.tab`]: "x",
  "/etc/localtime": `-> ${info}/Etc/UTC`,
  "/etc/timezone": "Etc/UTC",
  "/srv/app.py": "ZONE = 'Europe/Berlin'",
  "/srv/any.py": "ZoneInfo(name)",
  "/srv/server": program(["setenv", "localtime"], "TZ"),
  "/srv/bundle.js": "['Europe/Berlin']",
  "/usr/lib/other.py": "'Europe/Berlin'",
};
const system = ["/etc/localtime", "/etc/timezone", `${info}/Etc/UTC`];
const all = [
  ...system,
  `${info}/Etc`,
  `${info}/Europe`,
  `${info}/Europe/Berlin`,
  `${info}/Europe/Paris`,
  `${info}/UTC`,
  `${info}/zone.tab`,
].sort();
const kept = (used: string[], given = {}) =>
  keptBy(timeZones, aPackContext(tree, { application: ["/srv"], ...given }), used);
const withoutDirectories = (paths: string[]) => paths.filter((path) => !/\/(?:Etc|Europe)$/.test(path));

describe("time zones", () => {
  it("keeps the zone that the application names, and not one that a library does", () => {
    expect(kept(["/srv/app.py"])).toEqual([...system, `${info}/Europe/Berlin`, `${info}/UTC`].sort());
    expect(kept(["/usr/lib/other.py"])).toEqual(system);
    expect(kept(["/srv/bundle.js"])).toEqual(system);
  });

  it("keeps all zones, and no copies, where code lists them, takes one from outside or sets TZ, or read the list", () => {
    expect(withoutDirectories(kept(["/srv/any.py"]))).toEqual(withoutDirectories(all));
    expect(withoutDirectories(kept(["/srv/server"]))).toEqual(withoutDirectories(all));
    expect(withoutDirectories(kept([], { seen: [`${info}/zone.tab`] }))).toEqual(withoutDirectories(all));
  });

  it("keeps the text of the zones for a program that reads it, and for no other", () => {
    const more = {
      [`${info}/tzdata.zi`]: "# version",
      "/srv/cpp": program(["_ZNSt6chrono11locate_zoneESt17basic_string_viewIcSt11char_traitsIcEE"], ""),
    };
    const context = aPackContext({ ...tree, ...more }, { application: ["/srv"] });
    expect(keptBy(timeZones, context, ["/srv/cpp"])).toContain(`${info}/tzdata.zi`);
    expect(keptBy(timeZones, context, ["/srv/cpp"])).toContain(`${info}/Europe/Paris`);
    expect(keptBy(timeZones, context, ["/srv/any.py"])).not.toContain(`${info}/tzdata.zi`);
  });

  it("looks in the directory that TZDIR names", () => {
    const own = { "/zones/Europe/Berlin": "TZif", "/zones/Europe/Paris": "TZif", "/srv/app.py": "'Europe/Berlin'" };
    const context = aPackContext(own, { application: ["/srv"], env: ["TZDIR=/zones"] });
    expect(keptBy(timeZones, context, ["/srv/app.py"])).toEqual(["/zones/Europe/Berlin"]);
  });

  it("keeps the zone of TZ, and the neutral ones with any that was read", () => {
    expect(kept([], { env: ["TZ=:Europe/Paris"] })).toContain(`${info}/Europe/Paris`);
    expect(kept([], { seen: [`${info}/Europe/Berlin`] })).toEqual([...system, `${info}/UTC`].sort());
  });
});

it.runIf(existsSync(`${info}/Europe`))("finds every real zone's name in a text", () => {
  const names = readdirSync(info, { recursive: true, encoding: "utf8" }).filter((name) =>
    /^[A-Z]\w+\/[\w/+-]+$/.test(name),
  );
  const text = Buffer.from(names.map((name) => `x = "${name}"\n`).join(""));
  expect([...zoneNamesIn(text, new Set(names))].sort()).toEqual([...new Set(names)].sort());
});
