import { Parser } from "htmlparser2";
import { type Control, formQuery } from "./form-query.ts";

/** How much of a document is looked at for links. */
const maxTextLength = 4 << 20;

/** More links than this of one document are not looked at. */
const maxLinks = 5000;

/** Attributes that hold one address, by element; `*` stands for every element. */
const addressOf: Record<string, readonly string[]> = {
  a: ["href"],
  area: ["href"],
  link: ["href"],
  script: ["src"],
  img: ["src", "data-src"],
  source: ["src", "data-src"],
  iframe: ["src"],
  frame: ["src"],
  embed: ["src"],
  audio: ["src"],
  video: ["src", "poster"],
  track: ["src"],
  object: ["data"],
  image: ["href", "xlink:href"],
  use: ["href", "xlink:href"],
  input: ["src"],
  body: ["background"],
};

/** `<link>`s that tell where something may be, not what to fetch. */
const notFetched = /\b(?:preconnect|dns-prefetch)\b/i;

/**
 * What a document refers to, in its order, as written, each once: links, scripts, styles, images and forms with GET of HTML,
 * `url()` and `@import` of CSS, relative imports of JavaScript, `<loc>` of a site map. `base` is set by `<base href>`.
 * Documents of other types refer to nothing.
 */
export function referencesIn(
  body: Buffer,
  contentType: string | null,
): { references: string[]; base: string | undefined } {
  const text = body.toString("utf8", 0, maxTextLength);
  const type = (contentType ?? "").split(";", 1)[0]?.trim().toLowerCase() ?? "";
  if (type === "text/html" || type === "application/xhtml+xml") return htmlReferences(text);
  const found =
    type === "text/css"
      ? cssReferences(text)
      : /^(?:text|application)\/(?:x-)?javascript$/.test(type)
        ? scriptReferences(text)
        : type === "image/svg+xml"
          ? htmlReferences(text).references
          : /^(?:text|application)\/xml$/.test(type)
            ? siteMapReferences(text)
            : [];
  return { references: distinct(found), base: undefined };
}

/** The links of a page. Written for pages that are not valid, as most are. */
function htmlReferences(text: string): { references: string[]; base: string | undefined } {
  const found: string[] = [];
  let base: string | undefined;
  let form: { action: string; controls: Control[] } | undefined;
  let style = false;
  const endForm = () => {
    if (form) found.push(`${form.action.split(/[?#]/, 1)[0]}?${formQuery(form.controls)}`);
    form = undefined;
  };
  const parser = new Parser({
    onopentag(name, attributes) {
      if (name === "base") base ??= attributes.href;
      if (name === "style") style = true;
      if (name === "form") {
        endForm();
        const isGet = (attributes.method ?? "get").toLowerCase() === "get";
        if (isGet) form = { action: attributes.action ?? "", controls: [] };
      }
      if (form) addControl(form.controls, name, attributes);
      for (const address of addressesOf(name, attributes)) found.push(address);
    },
    ontext(part) {
      if (style) for (const address of cssReferences(part)) found.push(address);
    },
    onclosetag(name) {
      if (name === "style") style = false;
      if (name === "form") endForm();
    },
  });
  parser.end(text);
  endForm();
  return { references: distinct(found), base };
}

function addressesOf(name: string, attributes: Record<string, string>): string[] {
  if (name === "link" && notFetched.test(attributes.rel ?? "")) return [];
  const found = (addressOf[name] ?? []).flatMap((attribute) => attributes[attribute] ?? []);
  for (const set of [attributes.srcset, attributes["data-srcset"], attributes.imagesrcset]) {
    if (set) found.push(...imageCandidates(set));
  }
  if (name === "meta" && /^refresh$/i.test(attributes["http-equiv"] ?? "")) {
    const to = /;\s*url\s*=\s*["']?([^"']+)/i.exec(attributes.content ?? "")?.[1];
    if (to) found.push(to);
  }
  if (attributes.style) found.push(...cssReferences(attributes.style));
  return found;
}

/** The addresses of a `srcset`, which may hold commas themselves: `a,b.png 1x, c.png 2x`. HTML, 4.8.4.2. */
function imageCandidates(set: string): string[] {
  const found: string[] = [];
  let isAddressNext = true;
  for (const word of set.split(/\s+/).slice(0, maxLinks)) {
    const comma = word.indexOf(",");
    const address: string = isAddressNext ? word : comma < 0 ? "" : word.slice(comma + 1);
    if (address !== "") found.push(address.endsWith(",") ? address.slice(0, -1) : address);
    isAddressNext = word.endsWith(",") || (!isAddressNext && comma >= 0 && address === "");
  }
  return found;
}

function addControl(controls: Control[], element: string, attributes: Record<string, string>): void {
  const { name = "", value } = attributes;
  const checked = "checked" in attributes || "selected" in attributes;
  const last = controls.at(-1);
  if (element === "input") controls.push({ name, type: (attributes.type ?? "text").toLowerCase(), value, checked });
  else if (element === "textarea") controls.push({ name, type: "text", value: undefined, checked });
  else if (element === "select") controls.push({ name, type: "select", value: undefined, checked: false });
  else if (element === "option" && last?.type === "select" && value !== undefined) {
    // The first option is what a browser sends, unless another one is selected.
    if (last.value === undefined || (checked && !last.checked)) Object.assign(last, { value, checked });
  }
}

function cssReferences(text: string): string[] {
  const pattern =
    /url\(\s*(?:"([^"]{1,2048})"|'([^']{1,2048})'|([^"')\s]{1,2048}))\s*\)|@import\s+["']([^"']{1,2048})["']/gi;
  return matches(text, pattern).map(([, double, single, bare, imported]) => double ?? single ?? bare ?? imported ?? "");
}

/** Modules that a module names by a relative path: what bundlers split off is loaded like this. */
function scriptReferences(text: string): string[] {
  const pattern = /\b(?:from|import)\s{0,8}\(?\s{0,8}["'](\.{0,2}\/[^"'\s]{1,1024})["']/g;
  return matches(text, pattern).map(([, path = ""]) => path);
}

function siteMapReferences(text: string): string[] {
  return matches(text, /<loc>\s{0,100}([^<\s]{1,2048})\s{0,100}<\/loc>/gi).map(([, address = ""]) =>
    address.replaceAll("&amp;", "&"),
  );
}

function matches(text: string, pattern: RegExp): RegExpExecArray[] {
  const found: RegExpExecArray[] = [];
  for (const match of text.matchAll(pattern)) if (found.push(match) >= maxLinks) break;
  return found;
}

const distinct = (found: readonly string[]): string[] => [...new Set(found)].slice(0, maxLinks);
