import { posix } from "node:path";
import { findProgram } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { filesBelow } from "./gather.ts";
import { oncePerWave } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";
import { allZones } from "./time-zones.ts";

type Directory = (names: readonly string[], path: string) => boolean;

/** What a database server reads by rule and not because somebody configured it. */
type Server = {
  name: string;
  program: RegExp;
  /** The directory of its data; of the paths below, what a running server may open, and what makes a new cluster. */
  isShare: Directory;
  isData(below: string): boolean;
  isForNew(below: string): boolean;
  /** A directory of its modules, and which of them are kept. */
  isLibraries: Directory;
  isModule(name: string): boolean;
  /** Modules that only a client of some part of the world asks for. */
  isEastAsian?(name: string): boolean;
  /** Makes a new cluster, and the programs that it starts. */
  maker: RegExp;
  makerStarts: readonly string[];
  /** Kept with the server, beside it or on PATH. */
  programs: readonly string[];
  /** A client may name any time zone of the system. */
  hasZones: boolean;
};

const maxShareBytes = 32 << 20;
const maxModuleBytes = 4 << 20;

const postgres: Server = {
  name: "postgres",
  program: /^(postgres|postmaster)$/,
  isShare: (names) => names.includes("postgres.bki"),
  isData: (below) => /^\/(extension|timezonesets|timezone|tsearch_data)\//.test(below),
  isForNew: (below) => /^\/[^/]+$/.test(below),
  isLibraries: (names) => names.includes("plpgsql.so"),
  // The compiler for queries is as large as all the rest, and the server does without it when it is not there. Languages need a
  // whole interpreter: when one is in use it has been seen.
  isModule: (name) => /\.so$/.test(name) && !/^llvmjit|pl(perl|python|tcl)/.test(name),
  isEastAsian: (name) => /_and_(?:\w+_and_)?(?:big5|euc|gb|johab|sjis|uhc)|^euc/.test(name),
  maker: /^initdb$/,
  // It starts `postgres` through a shell, which asks `locale` for collations.
  makerStarts: ["postgres", "locale", "sh"],
  programs: ["initdb", "pg_ctl", "pg_isready"],
  hasZones: true,
};

const mysql: Server = {
  name: "mysql",
  program: /^(mysqld|mariadbd)$/,
  isShare: (names) => names.includes("charsets") && names.includes("english"),
  isData: (below) => /^\/(charsets|english)\//.test(below),
  isForNew: (below) => /^\/[^/]+\.sql$/.test(below),
  isLibraries: (names, path) =>
    /\/(mysql|mariadb)[^/]*(\/lib)?\/plugin$/.test(path) && names.some((name) => name.endsWith(".so")),
  isModule: (name) => /\.so$/.test(name) && !/(test|example|mock|qa_|_client)/.test(name),
  maker: /^(mariadb-install-db|mysql_install_db)$/,
  makerStarts: ["mariadbd", "mysqld", "my_print_defaults", "resolveip"],
  programs: [],
  hasZones: false,
};

const servers = [postgres, mysql];

/**
 * Database servers that ran: what a client's first request for a character set, a time zone, a text search or an extension opens;
 * and for the program that makes a cluster, when it is kept, what it reads: the next volume may be empty though this one was not.
 * Redis is not here: all that it reads stands in its configuration.
 */
export const databases: Pack = {
  name: "databases",
  seeds: (context) =>
    servers.flatMap((server) =>
      programsOf(server, context).flatMap((program) => [
        ...shared(server, server.isData, program, context),
        ...modules(server, program, context),
        ...helpers(server, server.programs, program, context),
        ...(server.hasZones ? allZones(program, context) : []),
      ]),
    ),
  edges({ path, entry }, { use }, context) {
    const server = use === "run" ? servers.find(({ maker }) => maker.test(posix.basename(path))) : undefined;
    if (!server || entry.type !== "file") return [];
    return [...shared(server, server.isForNew, path, context), ...helpers(server, server.makerStarts, path, context)];
  },
};

/** The server's programs that ran, each once. */
function programsOf({ program }: Server, context: PackContext): string[] {
  const ran = context.processes.map(({ exe }) => exe).filter((exe) => program.test(posix.basename(exe)));
  return [...new Set(ran)].filter((exe) => context.rootfs.get(exe)?.type === "file");
}

const allDirectories = oncePerWave((context) => [...context.children].filter(([, names]) => names.length > 1));

/** Directories that look like this, of the version of the program: an image that upgrades clusters holds several. */
function directories(fits: Directory, program: string, context: PackContext): string[] {
  const version = versionOf(posix.dirname(program));
  return allDirectories(context)
    .filter(([path, names]) => fits(names, path))
    .map(([path]) => path)
    .filter((path) => version === undefined || (versionOf(path) ?? version) === version);
}

/** `15` of /usr/lib/postgresql/15/bin, /usr/pgsql-15/share and /usr/share/postgresql15. */
const versionOf = (path: string) => /\/(?:postgresql|pgsql|mysql|mariadb)[/-]?(\d+(?:\.\d+)?)(?=\/|$)/.exec(path)?.[1];

/** A part of the server's data; when extensions make it very large, without their scripts for upgrades from older versions. */
function shared({ name, isShare }: Server, isPart: Server["isData"], program: string, context: PackContext): Wanted[] {
  return directories(isShare, program, context).flatMap((share) => {
    const isAsked = (path: string) => isPart(path.slice(share.length));
    const all = filesBelow(context, share, { accept: isAsked, maxBytes: maxShareBytes });
    const accept = (path: string) => isAsked(path) && !/--[^/]+--[^/]+\.sql$/.test(path);
    const some = all.length > 0 ? all : filesBelow(context, share, { accept, maxBytes: 4 * maxShareBytes });
    return some.map((path) => byPack("unit", path, program, `${name} data`));
  });
}

function modules(server: Server, program: string, context: PackContext): Wanted[] {
  const { name, isLibraries, isModule, isEastAsian } = server;
  const isLeftOut = hasEastAsian(program, context) ? undefined : isEastAsian;
  return directories(isLibraries, program, context)
    .flatMap((directory) =>
      (context.children.get(directory) ?? [])
        .filter((each) => isModule(each) && !isLeftOut?.(each))
        .map((each) => `${directory}/${each}`),
    )
    .filter((path) => (context.rootfs.get(path)?.size ?? 0) <= maxModuleBytes)
    .map((path) => byPack("unit", path, program, `${name} module`));
}

/**
 * Whether an encoding of East Asia stands in ENV or in a command. A cluster that has one opens its conversions for any client, so
 * these are seen; left out are those that no setting names. Until version 12 a new cluster loaded all of them.
 */
function hasEastAsian(program: string, { env, processes, commands }: PackContext): boolean {
  const version = Number(versionOf(posix.dirname(program)) ?? "0");
  const words = [...env, ...commands.flat(), ...processes.flatMap(({ argv }) => argv)];
  return version < 13 || words.some((word) => eastAsian.test(word));
}

const eastAsian =
  /(?:^|[^a-z])(?:euc[-_]?(?:jp|jis|kr|cn|tw)|s(?:hift)?[-_]?jis|big5|gbk|gb[-_]?(?:18030|2312)|johab|uhc)(?![a-z])/i;

function helpers({ name }: Server, programs: readonly string[], by: string, { rootfs, env }: PackContext): Wanted[] {
  const place = { env, workdir: "/" };
  return programs.flatMap((each) => {
    const found = findProgram(rootfs, `${posix.dirname(by)}/${each}`, place) ?? findProgram(rootfs, each, place);
    return found === undefined ? [] : [byPack("script", found, by, `${name} program`, "run")];
  });
}
