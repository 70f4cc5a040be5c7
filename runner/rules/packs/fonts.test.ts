import { expect, it } from "vitest";
import { fonts } from "./fonts.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

const fontsDirectory = "/usr/share/fonts/truetype";
const tree = {
  "/usr/lib/libfontconfig.so.1.12.0": "elf",
  "/usr/lib/libMagickCore-6.Q16.so.6": "elf",
  "/usr/lib/libgdbm.so.6": "elf",
  "/usr/lib/libgssapi_krb5.so.2": "elf",
  "/usr/lib/jvm/17/lib/libfontmanager.so": "elf",
  "/etc/fonts/fonts.conf": "x",
  "/etc/fonts/conf.d/10-a.conf": "-> /usr/share/fontconfig/conf.avail/10-a.conf",
  "/usr/share/fontconfig/conf.avail/10-a.conf": "x",
  "/usr/share/fontconfig/conf.avail/11-unused.conf": "x",
  "/var/cache/fontconfig/x.cache-8": "x",
  [`${fontsDirectory}/dejavu/DejaVuSans.ttf`]: "x",
  [`${fontsDirectory}/dejavu/DejaVuSerif-Bold.ttf`]: "x",
  [`${fontsDirectory}/noto/NotoSansCJK-Regular.ttc`]: "x",
  [`${fontsDirectory}/other/Other-Regular.ttf`]: "x",
  [`${fontsDirectory}/other/README`]: "x",
};
const mega = 1 << 20;
const entries = {
  [`${fontsDirectory}/dejavu/DejaVuSans.ttf`]: { size: mega },
  [`${fontsDirectory}/dejavu/DejaVuSerif-Bold.ttf`]: { size: 3 * mega },
  [`${fontsDirectory}/noto/NotoSansCJK-Regular.ttc`]: { size: 19 * mega },
  [`${fontsDirectory}/other/Other-Regular.ttf`]: { size: mega / 2 },
};
const kept = (used: string) => keptBy(fonts, aPackContext(tree, { entries }), [used]).filter((path) => path in tree);

it.each([
  "/usr/lib/libfontconfig.so.1.12.0",
  "/usr/lib/libMagickCore-6.Q16.so.6",
  "/usr/lib/jvm/17/lib/libfontmanager.so",
])("keeps what %s draws with, up to a size, without caches and rules that are not in use", (library) => {
  expect(kept(library)).toEqual([
    "/etc/fonts/conf.d/10-a.conf",
    "/etc/fonts/fonts.conf",
    "/usr/share/fontconfig/conf.avail/10-a.conf",
    `${fontsDirectory}/dejavu/DejaVuSans.ttf`,
    `${fontsDirectory}/dejavu/DejaVuSerif-Bold.ttf`,
    `${fontsDirectory}/other/Other-Regular.ttf`,
  ]);
});

it.each(["/usr/lib/libgdbm.so.6", "/usr/lib/libgssapi_krb5.so.2"])(
  "keeps nothing for %s, which draws nothing",
  (library) => {
    expect(kept(library)).toEqual([]);
  },
);

it("keeps the fonts that the author of the image added, and the directory of the caches without them", () => {
  const own = { "/home/app/.fonts/Own.otf": "x", "/usr/local/share/fonts/House.ttf": "x" };
  const sizes = { ...entries, "/usr/local/share/fonts/House.ttf": { size: 9 * mega } };
  const context = aPackContext({ ...tree, ...own }, { entries: sizes, env: ["HOME=/home/app"] });
  const all = keptBy(fonts, context, ["/usr/lib/libfontconfig.so.1.12.0"]);
  expect(all).toEqual(expect.arrayContaining([...Object.keys(own), "/var/cache/fontconfig"]));
  expect(all).not.toContain("/var/cache/fontconfig/x.cache-8");
});

it("keeps one font when all of them are large", () => {
  const large = `${fontsDirectory}/noto/NotoSansCJK-Regular.ttc`;
  const only = { "/usr/lib/libgd.so.3": "elf", [large]: "x", [`${fontsDirectory}/noto/NotoSerifCJK-Regular.ttc`]: "x" };
  const sizes = {
    [large]: { size: 19 * mega },
    [`${fontsDirectory}/noto/NotoSerifCJK-Regular.ttc`]: { size: 26 * mega },
  };
  expect(keptBy(fonts, aPackContext(only, { entries: sizes }), ["/usr/lib/libgd.so.3"])).toEqual([large]);
});
