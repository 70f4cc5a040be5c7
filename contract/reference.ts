import { WinnowError } from "#contract/error.ts";

/**
 * A normalised image reference (github.com/distribution/reference, grammar and normalisation). `domain` and `path` are
 * always there (`docker.io`, `library/nginx`), `tag` and `digest` only when they were given.
 */
export type Reference = { domain: string; path: string; tag?: string; digest?: string };

const defaultDomain = "docker.io";
const officialPrefix = "library/";
/** The limit of the distribution API for domain and path together. */
const longestName = 255;

const domainComponent = "(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])";
const ipv6 = "\\[(?:[a-fA-F0-9:]+)\\]";
const domainPattern = new RegExp(`^(?:${domainComponent}(?:\\.${domainComponent})*|${ipv6})(?::[0-9]+)?$`);
const pathComponent = "[a-z0-9]+(?:(?:[_.]|__|[-]+)[a-z0-9]+)*";
const pathPattern = new RegExp(`^${pathComponent}(?:/${pathComponent})*$`);
const tagPattern = /^\w[\w.-]{0,127}$/;
const digestPattern = /^[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}$/;
/** Algorithms whose length we know; of others only the grammar is checked. */
const digestHex: Readonly<Record<string, number>> = { sha256: 64, sha384: 96, sha512: 128 };

/** True for the id of an image (64 hex digits, with or without `sha256:`), which is no reference. */
export const isImageId = (text: string): boolean => /^(?:sha256:)?[0-9a-f]{64}$/.test(text);

/** Parses and normalises a reference. Throws `request.invalid`, also for the id of an image. */
export function parseReference(text: string): Reference {
  const refuse = (why: string): WinnowError =>
    new WinnowError(
      "request.invalid",
      `"${printable(text)}" is no image reference: ${why}.`,
      "Write [DOMAIN/]PATH[:TAG][@DIGEST].",
    );
  if (text === "") throw refuse("it is empty");
  if (isImageId(text)) throw refuse("it is the id of an image");
  const [named = "", digest, ...more] = text.split("@");
  if (more.length > 0) throw refuse("it has two digests");
  if (digest !== undefined && !isDigest(digest)) throw refuse("its digest is malformed");
  // A colon behind the last slash starts the tag; one before it belongs to the domain's port.
  const colon = named.indexOf(":", named.lastIndexOf("/") + 1);
  const name = colon < 0 ? named : named.slice(0, colon);
  const tag = colon < 0 ? undefined : named.slice(colon + 1);
  if (tag !== undefined && !tagPattern.test(tag)) throw refuse("its tag is malformed");
  const { domain, path } = splitName(name);
  if (!domainPattern.test(domain)) throw refuse("its domain is malformed");
  if (path !== path.toLowerCase()) throw refuse("its path must be in lower case");
  if (!pathPattern.test(path)) throw refuse("its path is malformed");
  if (domain.length + 1 + path.length > longestName) throw refuse(`its name is longer than ${longestName} characters`);
  return { domain, path, ...(tag === undefined ? {} : { tag }), ...(digest === undefined ? {} : { digest }) };
}

function splitName(name: string): { domain: string; path: string } {
  const slash = name.indexOf("/");
  const first = name.slice(0, Math.max(slash, 0));
  const isDomain = slash >= 0 && (/[.:]/.test(first) || first === "localhost" || first !== first.toLowerCase());
  const domain = !isDomain || first === "index.docker.io" ? defaultDomain : first;
  const rest = isDomain ? name.slice(slash + 1) : name;
  return { domain, path: domain === defaultDomain && !rest.includes("/") ? officialPrefix + rest : rest };
}

function isDigest(text: string): boolean {
  if (!digestPattern.test(text)) return false;
  const [algorithm = "", hex = ""] = text.split(":");
  const wanted = digestHex[algorithm];
  return wanted === undefined || (hex.length === wanted && hex === hex.toLowerCase());
}

const printable = (text: string): string => text.slice(0, 300).replace(/[^\x20-\x7e]/g, "?");

const suffixOf = ({ tag, digest }: Reference): string =>
  `${tag === undefined ? "" : `:${tag}`}${digest === undefined ? "" : `@${digest}`}`;

/** `docker.io/library/nginx:1.27`: every part written out. */
export const fullReference = (reference: Reference): string =>
  `${reference.domain}/${reference.path}${suffixOf(reference)}`;

/** `nginx:1.27`: as people write it and engines show it. */
export function familiarReference(reference: Reference): string {
  return familiarName(reference) + suffixOf(reference);
}

/** The same without tag and digest. */
export function familiarName({ domain, path }: Reference): string {
  if (domain !== defaultDomain) return `${domain}/${path}`;
  const short = path.slice(officialPrefix.length);
  return path.startsWith(officialPrefix) && !short.includes("/") ? short : path;
}

/** With neither tag nor digest, the tag is `latest`. */
export const withDefaultTag = (reference: Reference): Reference =>
  reference.tag === undefined && reference.digest === undefined ? { ...reference, tag: "latest" } : reference;

/**
 * What jobs of the same image have in common, whatever its tag: `nginx:1.27` gives `docker.io/library/nginx`. The id of an image
 * belongs to no repository and gives `image:` with its first 12 digits; text that is no reference gives itself.
 */
export function repositoryOf(text: string): string {
  if (isImageId(text)) return `image:${text.replace("sha256:", "").slice(0, 12)}`;
  try {
    const { domain, path } = parseReference(text);
    return `${domain}/${path}`;
  } catch {
    return text; // the job that asks for it fails when it resolves it, and says why
  }
}

/**
 * The name of the slim image when the user gave none: `nginx:1.27` gives `nginx.slim:1.27`, `nginx` gives `nginx.slim`. A
 * digest without a tag is shortened into a tag, since it is the source's and not the result's: `nginx@sha256:0123…` gives
 * `nginx.slim:0123…` (12 digits), the id of an image `image.slim:` with its first 12. Throws `request.invalid`.
 */
export function slimTag(text: string): string {
  if (isImageId(text)) return `image.slim:${text.replace("sha256:", "").slice(0, 12)}`;
  const { domain, path, tag, digest } = parseReference(text);
  const slim: Reference = { domain, path: `${path}.slim`, tag: tag ?? digest?.split(":")[1]?.slice(0, 12) };
  if (slim.tag === undefined) delete slim.tag;
  return familiarReference(parseReference(fullReference(slim)));
}
