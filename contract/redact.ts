import type { JobRequest, Probe, Scenario } from "./job.ts";
import { assignment } from "./output.ts";

/** What stands where a secret stood. */
export const redacted = "[redacted]";

/** Shorter ones are redacted where they stand; in free text they would blank what only looks like them. */
const shortestInText = 6;

const secretWords =
  /pass(?!ive|enger|port|thr|es\b)|secret|token(?!i[sz])|credential|api[_.-]?key|jwt|cookie|(?:^|[^a-z])(?:key|keys|auth|authorization|dsn|sas)(?:$|[^a-z])|[a-z0-9][_.-]pwd$|(?:access|private|signing|encryption|master|account)key/i;
/** Says where a secret lies, or how it is used, and is none. */
const aboutSecrets = /[_.-](?:file|path|dir|ttl|timeout|expiry|length|name|user|method|type|algorithm|enabled|url)$/i;
const secretHeader =
  /^(?:proxy-)?authorization$|^cookie$|^x-csrf-?token$|^x-xsrf-token$|api-?key|auth|token|secret|credential/i;
/** `scheme://user:password@`: the password. */
const userInfo = /(\b[a-z][a-z0-9+.-]{0,30}:\/\/[^\s/:@'"]{0,200}:)([^\s/@'"]{1,500})(?=@)/gi;
/** `--db-password=x`, `PGPASSWORD=x` and `?token=x` anywhere in a command or a resource. */
const pair = /([A-Za-z0-9_.-]{2,60})=([^\s&'";]{1,4000})/g;
/** `Authorization: Bearer x` and its like in a command. */
const headerLine = /\b([A-Za-z-]{4,40}):\s*((?:(?:basic|bearer|token|digest)\s+)?)([^\s'"]{1,4000})/gi;

/** Whether the value of an environment variable, parameter or field of this name is a secret. */
export const isSecretName = (name: string): boolean => secretWords.test(name) && !aboutSecrets.test(name);

/** What one text holds, and how it is shown. */
type Cleaned = { shown: string; secrets: string[] };

/** `NAME=value`: the whole value by its name, or the password in an address. */
function cleanAssignment(text: string): Cleaned {
  const [name, value] = assignment(text);
  if (value !== "" && isSecretName(name)) return { shown: `${name}=${redacted}`, secrets: [value] };
  const { shown, secrets } = cleanAddresses(value);
  return { shown: text.includes("=") ? `${name}=${shown}` : text, secrets };
}

function cleanAddresses(text: string): Cleaned {
  const secrets: string[] = [];
  const shown = text.replace(userInfo, (_whole, before: string, password: string) => {
    secrets.push(password, decoded(password));
    return before + redacted;
  });
  return { shown, secrets };
}

/** A word of a command, or a resource: what looks like a secret by the name beside it. */
function cleanWord(word: string): Cleaned {
  const { shown: addressed, secrets } = cleanAddresses(word);
  const named = addressed.replace(pair, (whole, name: string, value: string) => {
    if (value.startsWith(redacted) || !isSecretName(name)) return whole;
    secrets.push(value, decoded(value));
    return `${name}=${redacted}`;
  });
  const shown = named.replace(headerLine, (whole, name: string, scheme: string, value: string) => {
    if (!secretHeader.test(name) || value.startsWith(redacted)) return whole;
    secrets.push(value);
    return `${name}: ${scheme}${redacted}`;
  });
  return { shown, secrets };
}

function cleanHeader([name, value]: [string, string]): { shown: [string, string]; secrets: string[] } {
  if (!secretHeader.test(name)) return { shown: [name, value], secrets: [] };
  const credentials = value.replace(/^(?:basic|bearer|token|digest)\s+/i, "");
  const crumbs = /^cookie$/i.test(name) ? value.split(/;\s*/).map((crumb) => assignment(crumb)[1]) : [];
  return { shown: [name, redacted], secrets: [value, credentials, ...crumbs] };
}

function cleanProbe(probe: Probe): { shown: Probe; secrets: string[] } {
  if (probe.kind === "exec") {
    const words = probe.argv.map(cleanWord);
    return {
      shown: { ...probe, argv: words.map((word) => word.shown) },
      secrets: words.flatMap((word) => word.secrets),
    };
  }
  if (probe.kind === "tcp") return { shown: probe, secrets: [] };
  const resource = cleanWord(probe.resource);
  const headers = probe.headers.map(cleanHeader);
  const { username = "", password } = probe;
  const own = password && password !== redacted ? [password, base64(`${username}:${password}`)] : [];
  return {
    shown: {
      ...probe,
      resource: resource.shown,
      headers: headers.map((header) => header.shown),
      ...(password === undefined ? {} : { password: redacted }),
    },
    secrets: [...own, ...resource.secrets, ...headers.flatMap((header) => header.secrets)],
  };
}

function cleanScenario(scenario: Scenario): { shown: Scenario; secrets: string[] } {
  const secrets: string[] = [];
  const take = <T>({ shown, secrets: found }: { shown: T; secrets: string[] }): T => {
    secrets.push(...found);
    return shown;
  };
  const { entrypoint, cmd, env, probes } = scenario;
  const words = (argv: string[]) => argv.map((word) => take(cleanWord(word)));
  const shown = {
    ...scenario,
    ...(entrypoint && { entrypoint: words(entrypoint) }),
    ...(cmd && { cmd: words(cmd) }),
    env: env.map((one) => take(cleanAssignment(one))),
    probes: probes.map((probe) => take(cleanProbe(probe))),
  };
  return { shown, secrets };
}

function clean(request: JobRequest): { shown: JobRequest; secrets: string[] } {
  const scenarios = request.scenarios.map(cleanScenario);
  const env = request.output.env.map(cleanAssignment);
  const labels = request.output.labels.map(cleanAssignment);
  const shown = {
    ...request,
    scenarios: scenarios.map((scenario) => scenario.shown),
    output: { ...request.output, env: env.map((one) => one.shown), labels: labels.map((one) => one.shown) },
  };
  return { shown, secrets: [...scenarios, ...env, ...labels].flatMap((one) => one.secrets) };
}

/**
 * The secrets that a request holds, each once, longest first: values of environment variables whose names look like it, passwords
 * in addresses, passwords and credential headers of probes, and what commands and resources name so.
 */
export const secretsOf = (request: JobRequest): string[] =>
  [...new Set(clean(request).secrets)]
    .filter((secret) => secret !== "" && secret !== redacted)
    .sort((a, b) => b.length - a.length);

/** The request as it may be shown to anybody: still a valid one, and equal to itself when redacted again. */
export function redactRequest(request: JobRequest): JobRequest {
  const { shown } = clean(request);
  const inText = textRedactor(secretsOf(request));
  const words = (argv: string[]) => argv.map(inText);
  const scenarios = shown.scenarios.map((scenario) => ({
    ...scenario,
    ...(scenario.entrypoint && { entrypoint: words(scenario.entrypoint) }),
    ...(scenario.cmd && { cmd: words(scenario.cmd) }),
    ...(scenario.stdin !== undefined && { stdin: inText(scenario.stdin) }),
    env: scenario.env.map((text) => valueIn(text, inText)),
    probes: scenario.probes.map((probe) => probeIn(probe, inText)),
  }));
  return { ...shown, scenarios };
}

const valueIn = (text: string, inText: (text: string) => string): string => {
  const [name, value] = assignment(text);
  return text.includes("=") ? `${name}=${inText(value)}` : text;
};

/** Texts of a probe that hold a secret which stands elsewhere in the request. */
function probeIn(probe: Probe, inText: (text: string) => string): Probe {
  if (probe.kind === "exec")
    return {
      ...probe,
      argv: probe.argv.map(inText),
      ...(probe.stdin !== undefined && { stdin: inText(probe.stdin) }),
    };
  if (probe.kind === "tcp") return { ...probe, ...(probe.send !== undefined && { send: inText(probe.send) }) };
  return {
    ...probe,
    resource: `/${inText(probe.resource.slice(1))}`, // a resource without its slash is none
    headers: probe.headers.map(([name, value]) => [name, inText(value)]),
    ...(probe.body !== undefined && { body: inText(probe.body) }),
  };
}

/** The same secret as JSON, an address or a form write it. */
function formsOf(secret: string): string[] {
  const inJson = JSON.stringify(secret).slice(1, -1);
  return [secret, inJson, encoded(secret), encoded(secret).replaceAll("%20", "+")];
}

/** All forms of the secrets that are long enough for free text, as one expression; undefined when there are none. */
function patternOf(secrets: readonly string[], byteString: (text: string) => string): Pattern | undefined {
  const long = secrets.filter((secret) => secret.length >= shortestInText && !redacted.includes(secret));
  const forms = [...new Set(long.flatMap(formsOf).map(byteString))].sort((a, b) => b.length - a.length);
  if (forms.length === 0) return undefined;
  const source = forms.map((form) => form.replace(/[\\^$.*+?()[\]{}|/-]/g, "\\$&")).join("|");
  return { expression: new RegExp(source, "g"), longest: forms[0]?.length ?? 0 };
}

type Pattern = { expression: RegExp; longest: number };

/** Replaces the secrets in free text, in whatever form they stand there. Those below 6 characters stay. */
export function textRedactor(secrets: readonly string[]): (text: string) => string {
  const pattern = patternOf(secrets, (text) => text);
  return pattern ? (text) => text.replace(pattern.expression, redacted) : (text) => text;
}

export const redactText = (text: string, secrets: readonly string[]): string => textRedactor(secrets)(text);

/**
 * The same for bytes that come in pieces, as strings of one character for each byte (latin1): a secret that lies across a border is
 * found, too. `push` gives what is settled, `end` the rest. Holds back less than the longest secret.
 */
export function pieceRedactor(secrets: readonly string[]): { push(piece: string): string; end(): string } {
  const pattern = patternOf(secrets, utf8Bytes);
  if (!pattern) return { push: (piece) => piece, end: () => "" };
  const { expression, longest } = pattern;
  let held = "";
  const settle = (border: number): string => {
    let out = "";
    let done = 0;
    expression.lastIndex = 0;
    for (let match = expression.exec(held); match && match.index < border; match = expression.exec(held)) {
      out += held.slice(done, match.index) + redacted;
      done = match.index + match[0].length;
    }
    const end = Math.max(done, border);
    out += held.slice(done, end);
    held = held.slice(end);
    return out;
  };
  return {
    push: (piece) => {
      held += piece;
      // What begins before the border is all there, so that the longest secret is found first, as in one piece.
      return settle(Math.max(0, held.length - longest + 1));
    },
    end: () => settle(held.length),
  };
}

const utf8Bytes = (text: string): string => String.fromCharCode(...new TextEncoder().encode(text));
const base64 = (text: string): string => btoa(utf8Bytes(text));

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Lone surrogates have no UTF-8 form. */
function encoded(text: string): string {
  try {
    return encodeURIComponent(text);
  } catch {
    return text;
  }
}
