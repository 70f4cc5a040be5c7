import type { Keep } from "#contract/job.ts";
import { releaseFile } from "../identity.ts";
import { entriesBelow } from "../packs/image-tree.ts";
import { allLookUps } from "../packs/names.ts";
import type { Pack } from "../packs/pack.ts";
import { allZones, systemZone } from "../packs/time-zones.ts";
import { bundles, hashedDirectories, isKey } from "../packs/tls.ts";
import type { Wanted } from "../wanted.ts";
import { type Answer, byUser, forRule, type Given } from "./rule.ts";

/** Everything that systems have of certificates, sources of the bundles among it. */
const certificateDirectories = [
  ...hashedDirectories,
  "/etc/pki/ca-trust",
  "/etc/ca-certificates",
  "/usr/share/ca-certificates",
  "/usr/local/share/ca-certificates",
  "/usr/share/pki/ca-trust-source",
];

/** Authorities that languages bring with them, and those of the JVM. */
const ownBundles = /\/(?:certifi\/cacert\.pem|certifi-[^/]*\/.*cacert\.pem|lib\/security\/cacerts|java\/cacerts)$/;

/** Data classes that the user wants whatever the profile says. */
export function askedData(given: Given): Answer[] {
  const { context, keep } = given;
  return [
    ...(keep.includeNetwork
      ? [{ rule: "--include-oslibs-net", wanted: forRule(allLookUps(context), "--include-oslibs-net") }]
      : []),
    ...(keep.includeZoneinfo ? [zones(given)] : []),
    ...certificates(given),
  ];
}

function zones({ context }: Given): Answer {
  const rule = "--include-zoneinfo";
  const system = systemZone.map((path) => byUser(context.rootfs, path, rule));
  return { rule, wanted: [...system, ...forRule(allZones("", context), rule)] };
}

/** Keys are in none of it: who needs one names it. */
function certificates({ context, keep }: Given): Answer[] {
  const asked = keep.includeCertificates;
  if (asked === undefined || asked === "none") return [];
  const { rootfs } = context;
  const rule = {
    bundles: "--include-cert-bundles-only",
    directories: "--include-cert-dirs",
    all: "--include-cert-all",
  }[asked];
  const files = [...bundles, ...[...rootfs.keys()].filter((path) => ownBundles.test(path))];
  const directories = { bundles: [], directories: certificateDirectories, all: hashedDirectories }[asked];
  const inside = directories.flatMap((directory) => [directory, ...entriesBelow(context, directory)]);
  const paths = [...files, ...inside].filter((path) => !isKey(path));
  return [{ rule, wanted: paths.map((path) => byUser(rootfs, path, rule)) }];
}

/** The identity files, without those of the distribution when they are off. */
export const withoutDistro = (wanted: readonly Wanted[], { includeDistroInfo }: Keep): Wanted[] =>
  includeDistroInfo ? [...wanted] : wanted.filter(({ path }) => !releaseFile.test(path));

/** What a pack would keep, and the user does not want: those data classes that are off. */
export function isSwitchedOff({ includeNetwork, includeZoneinfo, includeCertificates }: Keep) {
  const details = new Set([
    ...(includeNetwork === false ? ["name look-up", "name service"] : []),
    ...(includeCertificates === "none" || includeCertificates === "bundles" ? ["tls certificates"] : []),
  ]);
  return ({ name }: Pack, { reason }: Wanted): boolean =>
    (includeZoneinfo === false && name === "time zones") || details.has(reason.detail ?? "");
}
