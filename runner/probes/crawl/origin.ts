/** Whose links a crawl follows: one port of the application under every name that it may call itself. */
export type Origin = { protocol: "http" | "https"; port: number; hosts: ReadonlySet<string> };

/** A host that no application can name: what resolves to it was relative. */
const ownHost = "winnow.invalid";

/** Longer ones are data, not addresses. */
const maxResourceLength = 2048;

/** Requests that end what is being exercised. Only the last word of a path counts: `/docs/shutdown-hooks` is a page. */
const ending = /\/(?:log-?out|sign-?out|log-?off|shutdown|restart|reboot|terminate|kill|quit)\/?$/i;

/** The names of the loopback interface, besides those of the container and of the request. */
export const loopbackHosts: readonly string[] = ["localhost", "127.0.0.1", "[::1]", "0.0.0.0"];

/**
 * The resource (path and query) that a reference in the document at `base` (a resource) means, or undefined when it leads
 * elsewhere, is no address, or would end the application or its session. A host without a port means the port in use: the
 * probes' own Host header has none.
 */
export function resourceOf(reference: string, base: string, { protocol, port, hosts }: Origin): string | undefined {
  const text = reference.trim();
  if (text === "" || text.startsWith("#") || text.length > maxResourceLength) return undefined;
  if (!URL.canParse(text, `${protocol}://${ownHost}${base}`)) return undefined;
  const url = new URL(text, `${protocol}://${ownHost}${base}`);
  if (url.hostname !== ownHost) {
    if (url.protocol !== `${protocol}:` || !hosts.has(url.hostname)) return undefined;
    if (url.port !== "" && Number(url.port) !== port) return undefined;
  } else if (url.protocol !== `${protocol}:`) return undefined;
  const resource = `${url.pathname}${url.search}`;
  return resource.length > maxResourceLength || ending.test(url.pathname) ? undefined : resource;
}
