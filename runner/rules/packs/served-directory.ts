import { posix } from "node:path";
import type { Pack, PackContext } from "./pack.ts";
import { isForDevelopers, isSystemDirectory } from "./system-paths.ts";
import { wholeDirectory } from "./tree.ts";

const maxBytes = 16 << 20;

/** What a server sends as it is; never code, and no data that a program itself may read. */
const served =
  /\.(html?|xhtml|css|m?js|map|json|xml|rss|txt|ico|png|jpe?g|gif|svg|webp|avif|bmp|woff2?|ttf|otf|eot|pdf|mp[34]|webm|ogg|wasm|webmanifest|csv|gz|br)$/i;

/** Where packages of the system have their data, a text or a table is read by the program; these are for browsers only. */
const isOfPackage = /^\/usr\/(share|lib)\//;
const isPage = /\.(html?|xhtml|css|m?js|ico|png|jpe?g|gif|svg|webp|woff2?)$/i;

/** These hold packages, and other rules say which files of a package come along. */
const packages = /\/(node_modules|site-packages|dist-packages|gems|bundler|vendor)(\/|$)/;

function isServed(context: PackContext, path: string): boolean {
  return (
    (isOfPackage.test(path) ? isPage : served).test(path) &&
    context.rootfs.get(path)?.type === "file" &&
    context.isSeen(path) &&
    !context.isApplication(path)
  );
}

/**
 * A static file that was read outside of the system's and the application's directories was most likely sent: the directory
 * that it came from is kept whole (at most 16 MiB), because the next request asks for its neighbour.
 */
export const servedDirectory: Pack = {
  name: "served-directory",
  seeds: (context) =>
    [...context.children].flatMap(([directory, names]) => {
      if (isSystemDirectory(directory) || /^\/etc\//.test(directory) || packages.test(directory)) return [];
      const by = names.map((name) => posix.join(directory, name)).find((path) => isServed(context, path));
      if (by === undefined || isForDevelopers(by)) return [];
      return wholeDirectory(context, directory, { by, detail: "served directory", maxBytes });
    }),
};
