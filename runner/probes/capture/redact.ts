/** Names of query parameters, form fields and JSON keys whose values are credentials. */
const secretName =
  /pass(?:word|wd|phrase|code)?\]?$|^pwd$|secret|token|credential|^auth(?:[-_]?token|n|z|entication|orization)?$|api[-_.]?key|access[-_.]?key|private[-_.]?key|^key$|session|^s?sid$|jsessionid|phpsessid|jwt|assertion|signature$|^sig$|^otp$|^pin$|^code$|^state$|^nonce$|csrf|xsrf|cvv|card[-_]?number/i;

/** A JSON web token, wherever it stands. */
const webToken = /\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g;

const redacted = "redacted";

/** A resource whose query and path parameters hold no credentials any more; everything else stays as it is written. */
export function redactResource(resource: string): string {
  const at = resource.indexOf("?");
  const path = at < 0 ? resource : resource.slice(0, at);
  const cleanPath = path.replace(/;([^=;/]{1,100})=[^;/]*/g, (whole, name: string) =>
    secretName.test(name) ? `;${name}=${redacted}` : whole,
  );
  const query = at < 0 ? "" : `?${redactPairs(resource.slice(at + 1))}`;
  return `${cleanPath}${query}`.replace(webToken, redacted);
}

/** A body without credentials, by its media type: JSON by keys, forms by names, other text by what looks like a token. */
export function redactBody(body: string, contentType: string): string {
  if (/[/+]json\b/i.test(contentType)) return redactJson(body).replace(webToken, redacted);
  if (/^application\/x-www-form-urlencoded\b/i.test(contentType)) return redactPairs(body).replace(webToken, redacted);
  if (/^multipart\/form-data\b/i.test(contentType)) return redactParts(body).replace(webToken, redacted);
  return body.replace(webToken, redacted);
}

function redactPairs(pairs: string): string {
  const clean = pairs.split("&").map((pair) => {
    const [name = ""] = pair.split("=", 1);
    return pair.includes("=") && secretName.test(decoded(name)) ? `${name}=${redacted}` : pair;
  });
  return clean.join("&");
}

/** Text that is no JSON although it says so is not sent: nobody can say what in it is secret. */
function redactJson(body: string): string {
  try {
    return JSON.stringify(JSON.parse(body, (key, value) => (isSecretValue(key, value) ? redacted : value)));
  } catch {
    return redacted;
  }
}

const isSecretValue = (key: string, value: unknown): boolean =>
  secretName.test(key) && (typeof value === "string" || typeof value === "number");

function redactParts(body: string): string {
  const head =
    /(content-disposition:[^\r\n]{0,500}?\bname="?([^"\r\n;]{1,200})"?[^\r\n]{0,500}(?:\r?\n[^\r\n]{1,500}){0,9}\r?\n\r?\n)([^\r\n]*)/gi;
  return body.replace(head, (whole, before: string, name: string) =>
    secretName.test(name) ? before + redacted : whole,
  );
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll("+", " "));
  } catch {
    return text;
  }
}
