import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { fontsOf } from "./fonts.ts";
import { bytesOf, entriesBelow, namesIn, oncePerWave, realPath } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isSystemDirectory } from "./system-paths.ts";

const browser =
  /^(?:chrome|chromium|chromium-browser|google-chrome(?:-stable|-beta|-unstable)?|(?:chrome-)?headless[-_]shell|firefox|firefox-esr|firefox-bin|msedge|microsoft-edge(?:-stable)?|brave|opera|MiniBrowser)$/;

/** One of these stands beside every browser's executable; what merely has the name of one has none. */
const resource = /\.pak$|^(?:icudtl\.dat|omni\.ja|libxul\.so|libWPEWebKit.*|libwebkit.*)$/;

/** Libraries that start a browser, by a file of theirs that is read whenever they are loaded. */
const automation =
  /\/node_modules\/(?:puppeteer|puppeteer-core|playwright|playwright-core|@playwright\/test|selenium-webdriver|chrome-launcher)\/package\.json$|\/(?:site|dist)-packages\/(?:playwright|pyppeteer|selenium)\/__init__\.py$|\/gems\/(?:selenium-webdriver|ferrum|grover)-[^/]+\/lib\/[\w-]+\.rb$/;

const driver = /^(?:chromedriver|geckodriver|msedgedriver)$/;

/** Where package managers put browsers and their drivers. */
const installed = [
  ..."chromium chromium-browser google-chrome google-chrome-stable firefox firefox-esr microsoft-edge".split(" "),
  ..."chromedriver geckodriver msedgedriver".split(" "),
].flatMap((name) => [`/usr/bin/${name}`, `/usr/local/bin/${name}`]);

const configuration = ["/etc/chromium", "/etc/chromium.d", "/etc/opt/chrome", "/etc/firefox", "/etc/firefox-esr"];

const maxBytes = 800 << 20;
const maxFontBytes = 64 << 20;

/**
 * A browser is one thing: its processes are started by role, and which of its libraries, tongues and shaders a page needs, only
 * the page tells. Its directory is kept whole, but for tongues that ENV does not name, with more fonts than others get. A library
 * that drives browsers keeps those that it would find: no first request takes a screenshot.
 */
export const browsers: Pack = {
  name: "browsers",
  edges(place, wanted, context) {
    if (place.entry.type !== "file") return [];
    const { path } = place;
    if (automation.test(path)) return reachable(context).map((each) => byPack("rule", each, path, "browser", "run"));
    if (wanted.use === "exist") return [];
    const name = posix.basename(path);
    if (driver.test(name))
      return installed.filter((each) => !driver.test(posix.basename(each))).map((each) => started(each, path));
    return browser.test(name) ? wholeBrowser(path, context) : [];
  },
};

const started = (path: string, by: string): Wanted => byPack("rule", path, by, "browser", "run");

function wholeBrowser(program: string, context: PackContext): Wanted[] {
  const directory = posix.dirname(program);
  const name = posix.basename(program);
  // A script in /usr/bin composes the path of the real one out of variables.
  if (/\/s?bin$/.test(directory))
    return [`/usr/lib/${name}/${name}`, `/usr/lib64/${name}/${name}`].map((path) => started(path, program));
  if (!namesIn(context, directory).some((each) => resource.test(each))) return [];
  const tongues = usedTongues(context);
  const inside = entriesBelow(context, directory, (path) => {
    const tongue = /\/locales\/([\w-]+)\.pak(?:\.info)?$/.exec(path)?.[1];
    return tongue === undefined || tongues.has(tongue.split("-")[0] ?? tongue);
  });
  if (bytesOf(context, inside) > maxBytes) return [];
  const use = (path: string) => ((context.rootfs.get(path)?.mode ?? 0) & 0o111 ? "run" : "load");
  return [
    ...inside.map((path) => byPack("unit", path, program, "browser", use(path))),
    ...configuration
      .flatMap((path) => entriesBelow(context, path))
      .map((path) => byPack("rule", path, program, "browser's configuration")),
    ...fontsOf(program, maxFontBytes, context),
  ];
}

/** Chromium falls back on American English, and does not start without it. */
function usedTongues({ env }: PackContext): Set<string> {
  const values = ["LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG"].flatMap((name) => variable(env, name)?.split(":") ?? []);
  return new Set(["en", ...values.map((value) => value.replace(/[_.@-].*/s, ""))]);
}

/** Browsers and drivers that automation finds: named in ENV, downloaded into its cache, installed. Real paths not required. */
const reachable = oncePerWave((context): string[] => {
  const variables = ["PUPPETEER_EXECUTABLE_PATH", "CHROME_PATH", "CHROME_BIN", "GOOGLE_CHROME_BIN", "BROWSER_PATH"];
  const named = variables.flatMap((name) => variable(context.env, name) ?? []);
  const downloaded = caches(context).flatMap((directory) => programsBelow(context, directory));
  return [...new Set([...named.filter((path) => path.startsWith("/")), ...downloaded, ...installed])].filter(
    (path) => realPath(context, path) !== undefined,
  );
});

function caches({ env, children }: PackContext): string[] {
  const homes = [
    "/root",
    variable(env, "HOME") ?? "/root",
    ...(children.get("/home") ?? []).map((name) => `/home/${name}`),
  ];
  const own = ["PUPPETEER_CACHE_DIR", "PLAYWRIGHT_BROWSERS_PATH", "SE_CACHE_PATH"].flatMap(
    (name) => variable(env, name) ?? [],
  );
  const ofHomes = homes.flatMap((home) =>
    ["puppeteer", "ms-playwright", "pyppeteer", "selenium"].map((name) => `${home}/.cache/${name}`),
  );
  return [...new Set([...own, "/ms-playwright", ...ofHomes])].filter(
    (path) => path.startsWith("/") && !isSystemDirectory(path),
  );
}

function programsBelow(context: PackContext, directory: string): string[] {
  return entriesBelow(context, directory).filter((path) => {
    const entry = context.rootfs.get(path);
    const name = posix.basename(path);
    return entry?.type === "file" && (entry.mode & 0o111) !== 0 && (browser.test(name) || driver.test(name));
  });
}
