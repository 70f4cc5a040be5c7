import type { KeepProfile } from "#contract/job.ts";
import { aliases } from "./aliases.ts";
import { ansible } from "./ansible.ts";
import { anyCommand } from "./any-command.ts";
import { application } from "./application.ts";
import { browsers } from "./browsers.ts";
import { companions } from "./companions.ts";
import { archiver } from "./compressors.ts";
import { configRefs } from "./config-refs.ts";
import { configurationDirectory } from "./configuration-directory.ts";
import { dataFiles } from "./data-files.ts";
import { databases } from "./databases.ts";
import { dotnet } from "./dotnet.ts";
import { erlang } from "./erlang.ts";
import { externalCommands } from "./exec-calls.ts";
import { fonts } from "./fonts.ts";
import { java } from "./java.ts";
import { locale } from "./locale.ts";
import { lua } from "./lua.ts";
import { mainPackage } from "./main-package.ts";
import { namedPaths } from "./named-paths.ts";
import { names } from "./names.ts";
import { node } from "./node.ts";
import { owningPackages, packageRecords } from "./owning-packages.ts";
import type { Pack } from "./pack.ts";
import { pam } from "./pam.ts";
import { perl } from "./perl.ts";
import { php } from "./php.ts";
import { platformData } from "./platform-data.ts";
import { python } from "./python.ts";
import { r } from "./r.ts";
import { ruby } from "./ruby.ts";
import { runtimeDirectories } from "./runtime-dirs.ts";
import { servedDirectory } from "./served-directory.ts";
import { shell } from "./shell.ts";
import { staticBinary } from "./static-binary.ts";
import { timeZones } from "./time-zones.ts";
import { tls } from "./tls.ts";

/** What follows the application's own intent outward, in the order in which reasons are given. */
const safe: readonly Pack[] = [
  application,
  aliases,
  servedDirectory,
  namedPaths,
  externalCommands,
  anyCommand,
  shell,
  archiver,
  configRefs,
  configurationDirectory,
  node,
  python,
  ansible,
  ruby,
  java,
  php,
  perl,
  lua,
  r,
  erlang,
  dotnet,
  staticBinary,
  databases,
  dataFiles,
  platformData,
  browsers,
  tls,
  names,
  pam,
  timeZones,
  locale,
  fonts,
  runtimeDirectories,
  mainPackage,
  companions,
  packageRecords,
];

const packs: Record<KeepProfile, readonly Pack[]> = { exact: [], safe, package: [...safe, owningPackages] };

/** The packs of a keep profile; `exact` keeps what was observed and its closure, and has none. */
export function packsOf(profile: KeepProfile): readonly Pack[] {
  return packs[profile];
}
