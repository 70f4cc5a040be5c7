import { posix } from "node:path";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { childPaths, directoryAt, fileAt, filesBelow, unitBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { classPathOf, manifestOf } from "./java-archive.ts";
import { javaWords, parseJavaCommand } from "./java-command.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { isSystemDirectory } from "./system-paths.ts";

/** A jar that names others is thin; a larger one carries everything in itself. */
const maxManifestJar = 8 << 20;

/** Of a JVM's `lib`: what compilers, debuggers and desktops use, and what the JVM maps only on demand of an option. */
const notAtRunTime =
  /\/(?:src\.zip|ct\.sym|classlist|jrt-fs\.jar|jexec|jar\.binfmt|tools\.jar|dt\.jar|sa-jdi\.jar|ant-javafx\.jar|javafx\.properties|lib(?:saproc|jdwp|dt_socket|awt_xawt|splashscreen|jawt|jsound|jsoundalsa|glass\w*|prism\w*|javafx\w*|jfx\w*)\.so|classes_nocoops\w*\.jsa|[^/]+\.(?:diz|debuginfo|c|h))$/;

/** Directories of JVMs that are in use, by their programs and by libjvm.so of those that start one themselves (jsvc). */
const homes = oncePerWave((context): string[] => {
  const found = new Set<string>();
  for (const { exe } of context.processes) {
    const home = /^(.*?)\/(?:jre\/)?bin\/java$/.exec(fileAt(context, exe) ?? exe)?.[1];
    if (home !== undefined) found.add(home);
  }
  for (const [directory, names] of context.children) {
    const home = /^(.*?)\/(?:jre\/)?lib\/(?:[\w-]+\/)?(?:server|client|minimal)$/.exec(directory)?.[1];
    if (home !== undefined && names.includes("libjvm.so") && context.isSeen(`${directory}/libjvm.so`)) found.add(home);
  }
  return [...found].filter((home) => home !== "" && home !== "/usr" && context.children.has(home));
});

function runtime(home: string, context: PackContext): Wanted[] {
  const top = context.children.has(`${home}/jre/lib`) ? [`${home}/jre`, home] : [home];
  const isSpareVm = (path: string) => /\/(?:client|minimal|zero)\/libjvm\.so$/.test(path) && !context.isSeen(path);
  return [
    ...top.flatMap((each) => unitBelow(context, `${each}/conf`, home, "java runtime")),
    ...unitBelow(context, `${top[0]}/lib`, home, "java runtime", {
      maxBytes: 1 << 30, // lib/modules alone is 130 MB
      accept: (path) => context.isSeen(path) || (!notAtRunTime.test(path) && !isSpareVm(path)),
      enter: (_at, name) => !/^(?:desktop|images|fonts\.d|src|static|missioncontrol|visualvm)$/.test(name),
    }),
    byPack("unit", `${home}/release`, home, "java runtime"),
  ];
}

type Started = { paths: string[]; jars: string[]; properties: Map<string, string> };

/** What the JVMs of the observation were told, with relative paths from WORKDIR. */
const started = oncePerWave((context): Started => {
  const found: Started = { paths: [], jars: [], properties: new Map() };
  const absolute = (path: string) => posix.resolve("/", context.workdir, path);
  const add = (words: readonly string[], depth = 0) => {
    const { paths, jar, argumentFiles, properties } = parseJavaCommand(words);
    for (const path of paths) found.paths.push(absolute(path));
    if (jar !== undefined) found.jars.push(absolute(jar));
    for (const [name, value] of properties) found.properties.set(name, value);
    for (const file of depth > 0 ? [] : argumentFiles.map(absolute)) {
      found.paths.push(file);
      add(javaWords(context.text(fileAt(context, file) ?? file) ?? ""), 1);
    }
  };
  for (const { exe, argv } of context.processes) if (/\/java$|\/jsvc$/.test(exe)) add(argv.slice(1));
  for (const name of ["JAVA_TOOL_OPTIONS", "JDK_JAVA_OPTIONS", "JAVA_OPTS", "CATALINA_OPTS"])
    add(javaWords(variable(context.env, name) ?? ""));
  const listed = (variable(context.env, "CLASSPATH") ?? "").split(":").filter(Boolean);
  return { ...found, paths: [...found.paths, ...listed.map(absolute)] };
});

const isArchive = /\.(?:jar|war|ear|rar|zip|jmod)$/i;

/** One element of a class path: a jar, the jars of a directory, or a directory of classes. */
function classPathEntry(path: string, by: string, context: PackContext): Wanted[] {
  const detail = "class path";
  if (path.endsWith("/*")) {
    const directory = directoryAt(context, path.slice(0, -2));
    return directory === undefined
      ? []
      : childPaths(context, directory, isArchive).map((jar) => byPack("named", jar, by, detail));
  }
  const directory = directoryAt(context, path);
  if (directory === undefined) return [byPack("named", path, by, detail)];
  if (isSystemDirectory(directory)) return [];
  return unitBelow(context, directory, by, detail);
}

/** Directories that hold the libraries of a jar beside them. */
function besideJar(jar: string, context: PackContext): Wanted[] {
  const directory = posix.dirname(jar);
  if (isSystemDirectory(directory)) return [];
  return ["lib", "libs", "dependency", "dependencies", "modules", "plugins", "ext", "quarkus", "app"].flatMap((name) =>
    unitBelow(context, `${directory}/${name}`, jar, "beside the main jar", { maxBytes: 256 << 20 }),
  );
}

const notServed = /^(?:docs?|javadoc|apidocs|sources?|src|man|licenses|logs?|temp|tmp|work|\.git)$/i;
const notForLinux = /\.(?:bat|cmd|exe|ps1|dll|dylib|jnilib|md|txt\.gz)$|-(?:sources|javadoc)\.jar$|\/RELEASE-NOTES$/i;

/** Trees of servers: named by a property or a variable as somebody's home, base or root. */
function serverTrees(context: PackContext): Wanted[] {
  const named = new Map<string, string>();
  for (const [name, value] of started(context).properties)
    if (/(?:^|[._-])(?:home|base|dir|root|path)$/i.test(name) && !/^java\./.test(name)) named.set(value, `-D${name}`);
  for (const assignment of context.env) {
    const [, name, value] = /^([A-Z][A-Z0-9_]*_(?:HOME|BASE|ROOT|DIR))=(\/.*)$/s.exec(assignment) ?? [];
    if (name && value && !/^(?:JAVA|JRE|JDK|MAVEN|M2|GRADLE|ANT|SCALA|KOTLIN)_/.test(name)) named.set(value, name);
  }
  return [...named].flatMap(([value, by]) => {
    const directory = directoryAt(context, posix.resolve("/", context.workdir, value));
    if (directory === undefined || isSystemDirectory(directory) || homes(context).includes(directory)) return [];
    if (!isUsed(directory, context)) return [];
    const shape = { enter: (_at: string, name: string) => !notServed.test(name) };
    const archives = unitBelow(context, directory, by, "server's archives", {
      ...shape,
      maxBytes: 512 << 20,
      accept: (path) => isArchive.test(path) && !notForLinux.test(path),
    });
    const rest = unitBelow(context, directory, by, "server's tree", {
      ...shape,
      maxBytes: 60 << 20,
      accept: (path) => !isArchive.test(path) && !notForLinux.test(path),
    });
    return [...rest, ...archives];
  });
}

/** Images carry more than one server; only that which was started is wanted. */
function isUsed(directory: string, context: PackContext): boolean {
  return filesBelow(context, directory, { maxBytes: 4 * 2 ** 30 }).some((path) => {
    const real = fileAt(context, path);
    return real !== undefined && context.isSeen(real);
  });
}

/** What is unpacked from web archives, when a part of it was used. */
function webApplications(context: PackContext): Wanted[] {
  const found = new Map<string, string>();
  for (const path of context.rootfs.keys()) {
    const directory =
      path.includes("/WEB-INF/") && context.isSeen(path) ? /^(.+?)\/WEB-INF\//.exec(path)?.[1] : undefined;
    if (directory !== undefined && !isSystemDirectory(directory) && !found.has(directory)) found.set(directory, path);
  }
  return [...found].flatMap(([directory, by]) =>
    unitBelow(context, directory, by, "web application", { maxBytes: 512 << 20 }),
  );
}

/** Java: the JVM as a unit, class paths with what manifests name, libraries beside a jar, servers' trees, web applications. */
export const java: Pack = {
  name: "java",
  seeds(context) {
    if (homes(context).length === 0) return [];
    const { paths, jars } = started(context);
    return [
      ...homes(context).flatMap((home) => runtime(home, context)),
      ...paths.flatMap((path) => classPathEntry(path, "java", context)),
      ...jars.flatMap((jar) => [byPack("named", jar, "java", "-jar"), ...besideJar(jar, context)]),
      ...serverTrees(context),
      ...webApplications(context),
    ];
  },
  edges({ path, entry }, _wanted, context) {
    if (entry.type !== "file" || homes(context).length === 0) return [];
    if (!path.endsWith(".jar") || homes(context).some((home) => path.startsWith(`${home}/`))) return [];
    const jar = context.content(path, maxManifestJar);
    const manifest = jar && manifestOf(jar);
    if (manifest === undefined) return [];
    return classPathOf(manifest)
      .map((url) => posix.resolve(posix.dirname(path), url))
      .filter((target) => isArchive.test(target) || context.isApplication(target))
      .flatMap((target) => classPathEntry(target, path, context));
  },
};
