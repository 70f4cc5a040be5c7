import type { HttpProbe } from "#contract/job.ts";
import { bodyOf } from "./body.ts";
import { type ApiDocument, listOf, type Node, nodeOf, resolveNode } from "./document.ts";
import { type Parameter, parametersOf, queryPairs, wordOf } from "./parameters.ts";

type Options = {
  /** Stands before each path, instead of what the document says. */
  prefix?: string;
  /** Also operations that may change something. */
  mutating: boolean;
  maxRequests: number;
};

/** The requests, and how many operations have none: `mutating` ones that were not asked for, `over` the limit, `unusable`. */
export type ApiRequests = { probes: HttpProbe[]; mutating: number; over: number; unusable: number };

/** Methods in the order in which they are sent: what removes something comes last. */
const methods = ["get", "head", "options", "post", "put", "patch", "delete"];
const safe = 3;

const maxBodyLength = 1 << 20;

/**
 * One request for each operation of a document, with generated values for what is required: the safe methods first, then in
 * the order of the document. Requests have no port. Pure: the same document gives the same requests.
 */
export function requestsOf(document: ApiDocument, { prefix, mutating, maxRequests }: Options): ApiRequests {
  const found: ApiRequests = { probes: [], mutating: 0, over: 0, unusable: 0 };
  const paths = Object.entries(nodeOf(document.root.paths));
  for (const [rank, method] of methods.entries()) {
    for (const [template, given] of paths) {
      const path = resolveNode(document.root, given);
      const operation = path && resolveNode(document.root, path[method]);
      if (!path || !operation) continue;
      if (rank >= safe && !mutating) found.mutating++;
      else if (found.probes.length >= maxRequests) found.over++;
      else {
        const probe = attempt(() => requestOf(document, { template, path, operation, method, prefix }));
        if (probe) found.probes.push(probe);
        else found.unusable++;
      }
    }
  }
  return found;
}

/** Values of a hostile document may be loops, which cannot be written. */
function attempt(make: () => HttpProbe | undefined): HttpProbe | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}

type Operation = { template: string; path: Node; operation: Node; method: string; prefix: string | undefined };

function requestOf(
  document: ApiDocument,
  { template, path, operation, method, prefix }: Operation,
): HttpProbe | undefined {
  const parameters = parametersOf(document, path, operation);
  const query = new URLSearchParams(inQuery(document, parameters)).toString();
  const before = prefix ?? serverPath(document, path, operation);
  const resource = `${before.replace(/\/+$/, "")}${filled(template, parameters)}${query === "" ? "" : `?${query}`}`;
  const body = method === "get" || method === "head" ? undefined : bodyOf(document, path, operation);
  if (!resource.startsWith("/") || resource.length > 4096 || (body?.text.length ?? 0) > maxBodyLength) return undefined;
  const headers = parameters
    .filter((one) => one.in === "header")
    .map((one): [string, string] => [one.name, wordOf(one.value)]);
  const cookies = parameters
    .filter((one) => one.in === "cookie")
    .map((one) => `${one.name}=${encodeURIComponent(wordOf(one.value))}`);
  if (cookies.length > 0) headers.push(["cookie", cookies.join("; ")]);
  if (body) headers.push(["content-type", body.contentType]);
  if (!headers.every(([name, value]) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && /^[\x20-\x7e\t]*$/.test(value)))
    return undefined;
  return { kind: "http", method: method.toUpperCase(), resource, headers, body: body?.text };
}

const inQuery = ({ version }: ApiDocument, parameters: readonly Parameter[]): [string, string][] =>
  parameters.filter((one) => one.in === "query").flatMap((one) => queryPairs(version, one));

/** The path with its parameters; one that the document does not describe gets a 1. */
function filled(template: string, parameters: readonly Parameter[]): string {
  const path = template.replace(/\{([^{}]{1,200})\}/g, (_, name: string) => {
    const parameter = parameters.find((one) => one.in === "path" && one.name === name);
    return encodeURIComponent(wordOf(parameter ? parameter.value : 1) || "1");
  });
  return path.split(/[?#]/, 1)[0] ?? "";
}

/** The path of the server that the nearest of operation, path and document names; of absolute addresses only the path counts. */
function serverPath({ version, root }: ApiDocument, path: Node, operation: Node): string {
  if (version === 2) return typeof root.basePath === "string" && root.basePath.startsWith("/") ? root.basePath : "";
  const [server] = [operation.servers, path.servers, root.servers].flatMap(listOf).map(nodeOf);
  if (typeof server?.url !== "string") return "";
  const variables = nodeOf(server.variables);
  const url = server.url.replace(/\{([^{}]{1,200})\}/g, (_, name: string) =>
    wordOf(nodeOf(variables[name]).default ?? 1),
  );
  return URL.canParse(url, "http://localhost/") ? new URL(url, "http://localhost/").pathname : "";
}
