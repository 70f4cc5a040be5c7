import { posix } from "node:path";
import type { Place } from "../place.ts";
import { variable } from "../program.ts";
import type { Wanted } from "../wanted.ts";
import { entriesBelow, libraryName, namesIn, readText, realPath } from "./image-tree.ts";
import { byPack, type Pack, type PackContext } from "./pack.ts";

/** Where systems have the certificates of authorities in one file; the libraries and Go look at these in turn. */
export const bundles = [
  "/etc/ssl/certs/ca-certificates.crt",
  "/etc/pki/tls/certs/ca-bundle.crt",
  "/etc/pki/tls/cert.pem",
  "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
  "/etc/ssl/ca-bundle.pem",
  "/var/lib/ca-certificates/ca-bundle.pem",
  "/etc/ssl/cert.pem",
  "/usr/lib/ssl/cert.pem",
  "/usr/local/ssl/cert.pem",
  "/usr/local/share/certs/ca-root-nss.crt",
];

/** Where builds of OpenSSL look for their configuration (OPENSSLDIR). */
const opensslDirectories = ["/etc/ssl", "/usr/lib/ssl", "/etc/pki/tls", "/usr/local/ssl", "/usr/share/ssl"];

const opensslFiles = ["openssl.cnf", "ct_log_list.cnf"];

/** Directories of certificates by hash. Every certificate stands there twice or three times: not kept without a reason. */
export const hashedDirectories = ["/etc/ssl/certs", "/usr/lib/ssl/certs", "/etc/pki/tls/certs"];

/** Libraries that check certificates; libcrypto alone reads the configuration but no certificates. */
const tlsLibraries = new Set([
  "libssl",
  "libgnutls",
  "libnss3",
  "libmbedtls",
  "libwolfssl",
  "libtls",
  "libbotan",
  "libbotan-2",
  "libbotan-3",
]);

const cryptoPolicies = [
  "/etc/crypto-policies/back-ends/opensslcnf.config",
  "/etc/crypto-policies/back-ends/openssl.config",
];

/** Variables that name a file of certificates; some of their readers also take a directory of certificates by hash. */
const bundleVariables = [
  "SSL_CERT_FILE",
  "NODE_EXTRA_CA_CERTS",
  "CURL_CA_BUNDLE",
  "REQUESTS_CA_BUNDLE",
  "PIP_CERT",
  "AWS_CA_BUNDLE",
  "GIT_SSL_CAINFO",
  "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
  "OPENSSL_CONF",
];

/** Smaller programs do not hold a TLS library; larger ones are taken to hold one, because reading them costs more. */
const minProgramBytes = 1 << 20;
const maxProgramBytes = 48 << 20;

/** Programs of which it is known that they bring their own certificates, or load a library. */
const interpreters =
  /^(?:node|python[\d.]*|ruby[\d.]*|perl[\d.]*|php[\d.]*|java|beam\.smp|bash|busybox|git|lua[\d.]*)$/;

/**
 * What a program needs to check the certificate of a server that the observation never called: the bundle of authorities, the
 * configuration and provider modules of OpenSSL. The directory of single certificates only when something reads it by name or
 * the bundle is not what the library looks at by default. Keys are not kept by rule.
 */
export const tls: Pack = {
  name: "tls",
  seeds: (context) =>
    bundleVariables.flatMap((name) => {
      const path = variable(context.env, name);
      return path?.startsWith("/") && !isKey(path) ? hashed(path, name, context) : [];
    }),
  edges(place, wanted, context) {
    if (place.entry.type !== "file" || wanted.use === "exist") return [];
    const name = libraryName(place.path);
    if (name === "libcrypto") return opensslConfiguration(place.path, context);
    if (name !== undefined && tlsLibraries.has(name)) {
      const more = name === "libgnutls" ? gnutlsFiles(place.path, context) : [];
      const nss = name === "libnss3" ? nssModules(place.path, context) : [];
      const byHash =
        name === "libssl" && readsHashesOnly(context) ? hashed("/usr/lib/ssl/certs", place.path, context) : [];
      return [
        ...byHash,
        ...certificates(place.path, context),
        ...opensslConfiguration(place.path, context),
        ...more,
        ...nss,
      ];
    }
    if (posix.basename(place.path) === "openssl.cnf") return configured(place.path, context);
    if (isJvm(place.path)) return systemKeystores(place.path);
    if (/\/pubkey_os_cacerts\.beam$/.test(place.path)) return certificates(place.path, context); // of Erlang's public_key
    return holdsCertificatePaths(place, wanted, context) ? certificates(place.path, context) : [];
  },
};

/** Private keys are secrets: what reads one names it, and then it is observed or pinned. */
export function isKey(path: string): boolean {
  return /\.key$|\/private\/|[-_.]key\.pem$/.test(path);
}

function certificates(by: string, context: PackContext): Wanted[] {
  const wanted = bundles.map((path) => byPack("rule", path, by, "tls certificates"));
  const named = (variable(context.env, "SSL_CERT_DIR") ?? "").split(":").filter((path) => path.startsWith("/"));
  const directories = [...named, ...hashedDirectories.filter((directory) => isHashUsed(directory, context))];
  return [...wanted, ...directories.flatMap((directory) => hashed(directory, by, context))];
}

/** OpenSSL opens `HASH.0` of the certificate that it looks for, without listing the directory. */
function isHashUsed(directory: string, context: PackContext): boolean {
  const real = realPath(context, directory);
  if (real === undefined) return false;
  if (context.isSeen(real)) return true;
  return namesIn(context, real).some((name) => {
    if (!isHash(name)) return false;
    const certificate = realPath(context, `${real}/${name}`);
    return certificate !== undefined && context.isSeen(certificate);
  });
}

/**
 * OpenSSL as Debian had it until 11 has no `cert.pem`: what takes its default paths, as script languages do, finds authorities
 * by hash alone.
 */
function readsHashesOnly(context: PackContext): boolean {
  const hasFile = opensslDirectories.some((directory) => realPath(context, `${directory}/cert.pem`) !== undefined);
  return !hasFile && context.processes.some(({ exe }) => /^(?:python|ruby|perl|php)/.test(posix.basename(exe)));
}

const isHash = (name: string) => /^[\da-f]{8}\.r?\d$/.test(name);

function hashed(directory: string, by: string, context: PackContext): Wanted[] {
  const wanted = (path: string) => byPack("rule", path, by, "tls certificates");
  const names = namesIn(context, directory).filter((name) => isHash(name) || /\.(?:pem|crt|cer)$/.test(name));
  const paths = names.map((name) => `${directory}/${name}`).filter((path) => !isKey(path));
  return [wanted(directory), ...paths.map(wanted)];
}

function opensslConfiguration(library: string, context: PackContext): Wanted[] {
  const directories = opensslDirectories.flatMap((directory) => opensslFiles.map((name) => `${directory}/${name}`));
  const wanted = [...directories, ...cryptoPolicies].map((path) => byPack("rule", path, library, "openssl"));
  const modules = `${posix.dirname(library)}/ossl-modules`;
  const variableModules = variable(context.env, "OPENSSL_MODULES");
  return [
    ...wanted,
    ...[modules, variableModules ?? modules].flatMap((directory) =>
      namesIn(context, directory)
        .filter((name) => name.endsWith(".so"))
        .map((name) => byPack("rule", `${directory}/${name}`, library, "openssl provider")),
    ),
  ];
}

/** What openssl.cnf names: other files by `.include`, engines and providers outside the usual directory. */
function configured(path: string, context: PackContext): Wanted[] {
  const text = readText(context, path) ?? "";
  const named = [...text.matchAll(/^[ \t]*(?:\.include|dynamic_path|module)[ \t]*(?:=[ \t]*)?(\/[^\s#]+)/gm)];
  return named.flatMap(([, target = ""]) =>
    isKey(target)
      ? []
      : [target, ...entriesBelow(context, target, (each) => /\.(?:cnf|conf|config)$/.test(each))].map((each) =>
          byPack("named", each, path, "openssl"),
        ),
  );
}

/** GnuTLS takes the bundle, or what p11-kit's trust module says. */
function gnutlsFiles(library: string, context: PackContext): Wanted[] {
  const directories = ["/etc/pkcs11", "/usr/share/p11-kit/modules"];
  const trust = directories.flatMap((directory) => entriesBelow(context, directory));
  const module = `${posix.dirname(library)}/pkcs11/p11-kit-trust.so`;
  const files = ["/etc/gnutls/config", "/etc/crypto-policies/back-ends/gnutls.config", module];
  return [...files, ...trust].map((path) => byPack("rule", path, library, "gnutls"));
}

/** NSS opens its token and its roots at run time; Debian has them in a directory of their own. */
function nssModules(library: string, context: PackContext): Wanted[] {
  const names = ["libsoftokn3.so", "libfreebl3.so", "libfreeblpriv3.so", "libnssckbi.so", "libnssdbm3.so"];
  const directory = posix.dirname(library);
  const checks = (at: string) => namesIn(context, at).filter((name) => /^lib(?:softokn3|freebl\w*)\.chk$/.test(name));
  return [directory, `${directory}/nss`].flatMap((at) =>
    [...names, ...checks(at)].map((name) => byPack("rule", `${at}/${name}`, library, "nss module")),
  );
}

const isJvm = (path: string) => posix.basename(path) === "libjvm.so";

/** Distributions keep the JVM's authorities outside of it, behind a link in its lib/security. */
function systemKeystores(by: string): Wanted[] {
  return ["/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts"].map(
    (path) => byPack("rule", path, by, "tls certificates"),
  );
}

/** A static program (Go, Rust) has the library inside, and in it the paths at which it looks for authorities. */
function holdsCertificatePaths({ path, entry }: Place, { use }: Wanted, context: PackContext): boolean {
  const ran = use === "run" || context.processes.some(({ exe }) => exe === path);
  if (!ran || entry.size < minProgramBytes || interpreters.test(posix.basename(path))) return false;
  if (entry.size > maxProgramBytes) return true;
  const content = context.content(path, maxProgramBytes);
  return ["ca-certificates.crt", "tls-ca-bundle.pem", "/etc/ssl/certs"].some((each) => content?.includes(each));
}
