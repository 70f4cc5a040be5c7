import { expect, it } from "vitest";
import { aPackContext, keptBy } from "./pack.builder.ts";
import { platformData } from "./platform-data.ts";

const lib = "/usr/lib/x86_64-linux-gnu";
const mega = 1 << 20;
const tree = {
  [`${lib}/libMagickCore-6.Q16.so.6.0.0`]: "x",
  [`${lib}/ImageMagick-6.9.11/modules-Q16/coders/png.so`]: "x",
  [`${lib}/ImageMagick-6.9.11/modules-Q16/coders/png.la`]: "x",
  [`${lib}/ImageMagick-6.9.11/modules-Q16/coders/heic.so`]: "x",
  "/etc/ImageMagick-6/policy.xml": "x",
  [`${lib}/libgdk_pixbuf-2.0.so.0.4200.10`]: "x",
  [`${lib}/gdk-pixbuf-2.0/2.10.0/loaders.cache`]: "x",
  [`${lib}/gdk-pixbuf-2.0/2.10.0/loaders/io-wmf.a`]: "x",
  "/usr/share/mime/mime.cache": "x",
  "/usr/share/mime/text/plain.xml": "x",
  [`${lib}/libsasl2.so.2`]: "x",
  [`${lib}/sasl2/libplain.so`]: "x",
  [`${lib}/sasl2/libsasldb.so.2`]: "x",
  [`${lib}/libproj.so.25`]: "x",
  "/usr/share/proj/proj.db": "x",
  "/usr/share/proj/grid.tif": "x",
  [`${lib}/libtesseract.so.5`]: "x",
  "/usr/share/tesseract-ocr/5/tessdata/eng.traineddata": "x",
  "/srv/tessdata/own.traineddata": "x",
  [`${lib}/libQt5Gui.so.5`]: "x",
  [`${lib}/qt5/plugins/platforms/libqoffscreen.so`]: "x",
  [`${lib}/qt5/plugins/platforms/libqxcb.so`]: "x",
  [`${lib}/qt5/plugins/imageformats/libqjpeg.so`]: "x",
  [`${lib}/libpng16.so.16`]: "x",
  [`${lib}/libcudnn.so.8`]: "x",
  [`${lib}/libcudnn_ops_infer.so.8`]: "x",
  [`${lib}/libcudnn_cnn_infer.so.8`]: "x",
  [`${lib}/libcublas.so.12`]: "x",
};
const entries = { "/usr/share/proj/proj.db": { size: 9 * mega }, "/usr/share/proj/grid.tif": { size: 80 * mega } };
const context = aPackContext(tree, { entries, env: ["TESSDATA_PREFIX=/srv/tessdata"] });
const kept = (library: string) => keptBy(platformData, context, [library]).filter((path) => path in tree);

it.each([
  [
    `${lib}/libMagickCore-6.Q16.so.6.0.0`,
    [
      "/etc/ImageMagick-6/policy.xml",
      `${lib}/ImageMagick-6.9.11/modules-Q16/coders/png.la`,
      `${lib}/ImageMagick-6.9.11/modules-Q16/coders/png.so`,
    ],
  ],
  [
    `${lib}/libgdk_pixbuf-2.0.so.0.4200.10`,
    [`${lib}/gdk-pixbuf-2.0/2.10.0/loaders.cache`, "/usr/share/mime/mime.cache"],
  ],
  [`${lib}/libsasl2.so.2`, [`${lib}/sasl2/libplain.so`]],
  [`${lib}/libproj.so.25`, ["/usr/share/proj/proj.db"]],
  [
    `${lib}/libtesseract.so.5`,
    ["/srv/tessdata/own.traineddata", "/usr/share/tesseract-ocr/5/tessdata/eng.traineddata"],
  ],
  [
    `${lib}/libQt5Gui.so.5`,
    [`${lib}/qt5/plugins/imageformats/libqjpeg.so`, `${lib}/qt5/plugins/platforms/libqoffscreen.so`],
  ],
  [`${lib}/libcudnn.so.8`, [`${lib}/libcudnn_cnn_infer.so.8`, `${lib}/libcudnn_ops_infer.so.8`]],
  [`${lib}/libpng16.so.16`, []],
])("%s brings what it opens on some input", (library, expected) => {
  expect(kept(library)).toEqual(expected);
});

it("is silent about what is not in the image, and about a library that is only looked at", () => {
  const bare = aPackContext({ [`${lib}/libMagickCore-6.Q16.so.6`]: "x" });
  expect(keptBy(platformData, bare, [`${lib}/libMagickCore-6.Q16.so.6`])).toEqual([]);
  expect(keptBy(platformData, context, [`${lib}/libsasl2.so.2`], "exist")).toEqual([]);
});
