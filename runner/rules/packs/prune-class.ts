/** What parts of packages are that a running program seldom needs. `host`: for an init system, cron or udev. */
export type PruneClass =
  | "doc"
  | "man"
  | "locale"
  | "gconv"
  | "zoneinfo"
  | "test"
  | "cache"
  | "header"
  | "source-map"
  | "static-library"
  | "host";

const byPrefix: readonly (readonly [RegExp, PruneClass])[] = [
  [/^\/usr\/(?:local\/)?(?:share\/)?man(?:\/|$)/, "man"],
  [
    /^\/usr\/(?:local\/)?share\/(?:doc|info|gtk-doc|help|lintian|bug|menu|doc-base|reportbug|apport|licenses|bash-completion|zsh|fish|metainfo|appdata|applications|pixmaps|icons)(?:\/|$)/,
    "doc",
  ],
  [/^\/(?:usr\/share|etc)\/bash_completion\.d(?:\/|$)/, "doc"],
  [/^\/usr\/(?:local\/)?(?:share|lib)\/locale(?:\/|$)/, "locale"],
  [/^\/usr\/lib(?:64|\/[\w-]+)?\/gconv(?:\/|$)/, "gconv"],
  [/^\/usr\/(?:share|lib)\/zoneinfo(?:\/|$)/, "zoneinfo"],
  [/^\/usr\/(?:local\/)?include(?:\/|$)/, "header"],
  [/^\/usr\/(?:local\/)?(?:share|lib(?:64)?(?:\/[\w-]+)?)\/(?:pkgconfig|cmake|aclocal)(?:\/|$)/, "header"],
  [/^\/var\/cache(?:\/|$)|^\/var\/lib\/apt\/lists(?:\/|$)/, "cache"],
  [
    /^(?:\/usr)?\/lib\/(?:systemd|udev|sysusers\.d|tmpfiles\.d|modprobe\.d|sysctl\.d|dracut|kernel)(?:\/|$)|^\/etc\/(?:systemd|init|init\.d|rc\d\.d|cron\.\w+|logrotate\.d|apparmor\.d|ufw|udev|insserv|NetworkManager|dbus-1|rsyslog\.d|ppp)(?:\/|$)/,
    "host",
  ],
];

/** Directory names that mean tests or examples wherever they stand in a package. */
const testDirectories = new Set([
  "test",
  "tests",
  "__tests__",
  "testsuite",
  "testing-data",
  "examples",
  "example",
  "samples",
]);

const moduleFile = /^\/usr\/(?:local\/)?(?:share|lib)\/(?:nodejs|javascript)\/|\/node_modules\//;

/** Of modules for node and browsers: maps to their sources, and types, which only the compiler's own programs read when they run. */
function moduleClass(path: string): PruneClass | undefined {
  if (!moduleFile.test(path)) return undefined;
  if (/\.(?:[cm]?js|css)\.map$/.test(path)) return "source-map";
  return /\.d\.[cm]?ts$|\.js\.flow$/.test(path) && !/\/(?:typescript|@types)\//.test(path) ? "header" : undefined;
}

/**
 * The class of a path of a package; undefined for what a program may need. A file in a directory of tests counts as a test only
 * below a library or share directory: /opt/tests may well be the application.
 */
export function pruneClass(path: string): PruneClass | undefined {
  for (const [pattern, name] of byPrefix) if (pattern.test(path)) return name;
  if (/\.(?:a|la)$/.test(path) && /\/lib/.test(path)) return "static-library";
  if (/\.(?:h|hh|hpp|hxx|pxd|pyi)$/.test(path)) return "header";
  const ofModule = moduleClass(path);
  if (ofModule !== undefined) return ofModule;
  if (
    /^\/usr\/(?:local\/)?(?:lib|share)/.test(path) &&
    path
      .split("/")
      .slice(4, -1)
      .some((name) => testDirectories.has(name))
  )
    return "test";
  return undefined;
}
