import { isUsedLocale } from "./packs/main-package.ts";
import { pruneClass } from "./packs/prune-class.ts";
import { variable } from "./program.ts";

/**
 * Documents, caches, package lists and messages in other languages: what no program misses, whatever the image is for. Narrower
 * than the classes that packs prune, because here nothing is known of the application. Directories stay: package managers and
 * servers want theirs to be there.
 * @returns what it is, in a word; undefined for what has to stay
 */
export function disposable(path: string, env: readonly string[]): string | undefined {
  switch (pruneClass(path)) {
    case "man":
      return "man";
    case "doc":
      return isDocument.test(path) && !isLicence.test(path) ? "doc" : undefined;
    case "locale":
      return path.endsWith(".mo") && !isUsedLocale(path, env) ? "locale" : undefined;
    case "cache":
      return isRecord.test(path) ? undefined : "cache";
    default:
      return isUserCache(path, env) || isInstallerCache.test(path) ? "cache" : undefined;
  }
}

/** Others of this class serve shells and desktops: completions, icons, menus. */
const isDocument = /^\/usr\/(?:local\/)?share\/(?:doc|doc-base|info|gtk-doc|help|lintian|bug|reportbug|apport)\//;

/** Whoever passes the image on has to pass these on. */
const isLicence = /\/(?:copyright|(?:licen[cs]e|copying|notice)[^/]*)$/i;

/** What debconf was answered when packages were installed; it asks again without. */
const isRecord = /^\/var\/cache\/debconf\/[^/]+\.dat$/;

/** Directories that package managers and compilers fill again, below a home directory. Not all of `.cache`: models and browsers live there. */
const userCaches =
  /^\/(?:\.cache\/(?:pip|yarn|go-build|node-gyp|composer|fontconfig|mesa_shader_cache)|\.npm\/_(?:cacache|logs)|\.composer\/cache)\//;

function isUserCache(path: string, env: readonly string[]): boolean {
  const home = variable(env, "HOME") ?? "/root";
  const homes = ["/root", home, /^\/home\/[^/]+/.exec(path)?.[0] ?? "/root"];
  return homes.some((at) => path.startsWith(`${at}/`) && userCaches.test(path.slice(at.length)));
}

/** Compiled code of what installs packages, which is compiled again when it runs. */
const isInstallerCache =
  /\/(?:site|dist)-packages\/(?:pip|setuptools|wheel|pkg_resources|_distutils_hack)\/(?:.*\/)?__pycache__\/[^/]+\.pyc$/;
