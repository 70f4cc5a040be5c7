import { expect, it } from "vitest";
import { browsers } from "./browsers.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const cached = "/home/app/.cache/puppeteer/chrome/linux-130/chrome-linux64";
const elf = "\x7fELF";
const tree = {
  "/app/node_modules/puppeteer/package.json": "{}",
  "/app/node_modules/chalk/package.json": "{}",
  [`${cached}/chrome`]: elf,
  [`${cached}/icudtl.dat`]: "x",
  [`${cached}/libEGL.so`]: elf,
  [`${cached}/locales/en-US.pak`]: "x",
  [`${cached}/locales/de.pak`]: "x",
  [`${cached}/locales/fr.pak`]: "x",
  "/usr/bin/chromedriver": elf,
  "/usr/bin/chromium": "#!/bin/sh\nexec /usr/lib/chromium/chromium",
  "/usr/lib/chromium/chromium": elf,
  "/usr/lib/chromium/resources.pak": "x",
  "/etc/chromium.d/default-flags": "x",
  "/usr/share/fonts/noto/NotoColorEmoji.ttf": "x",
  "/etc/fonts/fonts.conf": "x",
  "/srv/tools/chrome": elf,
  "/srv/tools/other.bin": "x",
};
const programs = [`${cached}/chrome`, "/usr/bin/chromedriver", "/usr/bin/chromium", "/usr/lib/chromium/chromium"];
const entries = {
  ...Object.fromEntries(programs.map((path) => [path, { mode: 0o755 }])),
  "/usr/share/fonts/noto/NotoColorEmoji.ttf": { size: 10 << 20 },
};
const context = aPackContext(tree, { entries, env: ["LANG=de_DE.UTF-8"] });
const kept = (used: string) => keptBy(browsers, context, [used], "run").filter((path) => path in tree);
const drawing = ["/etc/fonts/fonts.conf", "/usr/share/fonts/noto/NotoColorEmoji.ttf"];

it("keeps a browser whole, without the tongues that nobody asked for, with configuration and fonts", () => {
  expect(kept("/usr/lib/chromium/chromium")).toEqual([
    "/etc/chromium.d/default-flags",
    drawing[0],
    "/usr/lib/chromium/resources.pak",
    drawing[1],
  ]);
  const inCache = kept(`${cached}/chrome`);
  expect(inCache).toEqual(expect.arrayContaining([`${cached}/libEGL.so`, `${cached}/locales/de.pak`, ...drawing]));
  expect(inCache).not.toContain(`${cached}/locales/fr.pak`);
});

it("keeps the browsers that a library for automation would find", () => {
  expect(kept("/app/node_modules/puppeteer/package.json")).toEqual(
    expect.arrayContaining([`${cached}/chrome`, `${cached}/icudtl.dat`, "/usr/bin/chromium", "/usr/bin/chromedriver"]),
  );
  expect(kept("/app/node_modules/chalk/package.json")).toEqual([]);
});

it("keeps the browser of a driver, through the script that starts it", () => {
  expect(kept("/usr/bin/chromedriver")).toEqual(
    expect.arrayContaining(["/usr/bin/chromium", "/usr/lib/chromium/chromium", "/usr/lib/chromium/resources.pak"]),
  );
});

it("takes nothing for a browser by its name alone", () => {
  expect(kept("/srv/tools/chrome")).toEqual([]);
});
