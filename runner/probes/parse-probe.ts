import { WinnowError } from "#contract/error.ts";
import { HttpProbe, type Probe } from "#contract/job.ts";
import { nearest } from "#contract/nearest.ts";
import { jsonFaultOffset, lineAndColumn } from "./json-fault.ts";

const form = "[[PROTO:]METHOD:]RESOURCE, for example /health, POST:/items or https:GET:/";

/** Protocols that the predecessor sends and we do not yet. */
const laterProtocols = ["http2", "http2c", "ws", "wss", "crawl", "fastcgi"];

/** Keys of docker-slim's command file that mean something to us. */
const knownKeys = ["protocol", "method", "resource", "port", "headers", "body", "username", "password"];

/** Keys of docker-slim's command file that we refuse by name, so that no request silently goes out as another one. */
const laterKeys = [
  "crawl",
  "body_file",
  "body_generate",
  "body_is_form",
  "form_field_name",
  "form_file_name",
  "fastcgi",
];

/**
 * Reads one probe in the short form `[[PROTO:]METHOD:]RESOURCE`. The resource starts at the first `/` and may hold colons.
 * Throws WinnowError `request.invalid`, naming the argument and the form.
 */
export function parseProbeCommand(text: string): HttpProbe {
  const refuse = (why: string) =>
    new WinnowError("request.invalid", `HTTP probe ${JSON.stringify(text)}: ${why}.`, `Write ${form}.`);
  const slash = text.indexOf("/");
  if (slash < 0) throw refuse("it has no resource, which starts with /");
  const prefix = text.slice(0, slash);
  const resource = text.slice(slash);
  if (prefix !== "" && !prefix.endsWith(":"))
    throw refuse(`there is no colon between ${JSON.stringify(prefix)} and the resource`);
  const words = prefix === "" ? [] : prefix.slice(0, -1).split(":");
  if (words.length > 2) throw refuse("only a protocol and a method may stand before the resource");

  const method = words.at(-1);
  const protocol = words.length === 2 ? words[0]?.toLowerCase() : undefined;
  if (words.length === 1 && method !== undefined && /^https?$/i.test(method)) {
    throw refuse(
      resource.startsWith("//")
        ? "it is a URL; the host is always the container"
        : `${JSON.stringify(method)} is a protocol and needs a method after it`,
    );
  }
  if (method !== undefined && laterProtocols.includes(method.toLowerCase()))
    throw refuse(`${method} probes are not supported yet`);
  if (protocol !== undefined && laterProtocols.includes(protocol))
    throw refuse(`${protocol} probes are not supported yet`);
  if (protocol !== undefined && protocol !== "http" && protocol !== "https")
    throw refuse(`the protocol ${JSON.stringify(words[0])} is not http or https`);
  if (method !== undefined && !/^[A-Za-z]+$/.test(method))
    throw refuse(`the method ${JSON.stringify(method)} is not a word`);
  return HttpProbe.parse({ kind: "http", protocol, method: method?.toUpperCase(), resource });
}

/**
 * Reads docker-slim's command file: `{"commands": [{protocol, method, resource, port, headers: ["Name: value"], body,
 * username, password}]}`. `fileName` is only for messages. Throws WinnowError `request.invalid` with the position of the
 * fault; an unknown key is a fault, because a misspelt one would silently send another request than the one meant.
 */
export function parseProbeFile(text: string, fileName: string): Probe[] {
  const content = text.replace(/^\uFEFF/, "");
  const fault = jsonFaultOffset(content);
  if (fault !== undefined) {
    const { line, column } = lineAndColumn(content, fault);
    const what =
      fault >= content.length
        ? "it ends too early"
        : `unexpected ${JSON.stringify([...content.slice(fault, fault + 2)][0])}`;
    throw refuseFile(fileName, `not JSON at line ${line}, column ${column}: ${what}`);
  }
  const file: unknown = JSON.parse(content);
  if (!isObject(file)) throw refuseFile(fileName, "the file must be an object with a list of commands");
  for (const key of Object.keys(file)) {
    if (key !== "commands")
      throw refuseFile(fileName, `unknown key ${JSON.stringify(key)} at the top${nearest(key, ["commands"])}`);
  }
  if (!Array.isArray(file.commands)) throw refuseFile(fileName, '"commands" must be a list');
  return file.commands.map((command: unknown, index) => parseCommand(command, `commands[${index}]`, fileName));
}

function parseCommand(command: unknown, at: string, fileName: string): HttpProbe {
  const refuse = (why: string) => refuseFile(fileName, `${at}: ${why}`);
  if (!isObject(command)) throw refuse("must be an object");
  for (const key of Object.keys(command)) {
    if (knownKeys.includes(key)) continue;
    if (laterKeys.includes(key)) throw refuse(`${JSON.stringify(key)} is not supported yet`);
    throw refuse(`unknown key ${JSON.stringify(key)}${nearest(key, [...knownKeys, ...laterKeys])}`);
  }
  for (const key of ["protocol", "method", "resource", "body", "username", "password"]) {
    if (command[key] !== undefined && typeof command[key] !== "string")
      throw refuse(`${JSON.stringify(key)} must be a string`);
  }
  const word = (key: string) => (typeof command[key] === "string" && command[key] !== "" ? command[key] : undefined);

  const resource = word("resource");
  if (!resource?.startsWith("/")) throw refuse('"resource" is required and starts with /');
  const protocol = word("protocol")?.toLowerCase();
  if (protocol !== undefined && laterProtocols.includes(protocol))
    throw refuse(`protocol ${JSON.stringify(protocol)} is not supported yet`);
  if (protocol !== undefined && protocol !== "http" && protocol !== "https")
    throw refuse(`protocol ${JSON.stringify(protocol)} is not http or https`);
  const method = word("method");
  if (method !== undefined && !/^[A-Za-z]+$/.test(method))
    throw refuse(`method ${JSON.stringify(method)} is not a word`);
  const { port } = command;
  if (port !== undefined && !(Number.isInteger(port) && Number(port) >= 1 && Number(port) <= 65535))
    throw refuse('"port" must be a number from 1 to 65535');
  const { headers = [] } = command;
  if (!Array.isArray(headers)) throw refuse('"headers" must be a list of "Name: value"');
  return HttpProbe.parse({
    kind: "http",
    protocol,
    method: method?.toUpperCase(),
    resource,
    port,
    headers: headers.map((header: unknown, index) => {
      const parts =
        typeof header === "string" ? /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([^\r\n\0]*?)[ \t]*$/.exec(header) : null;
      if (!parts) throw refuse(`headers[${index}] is not "Name: value"`);
      return [parts[1], parts[2]];
    }),
    body: command.body,
    username: word("username"),
    password: command.password,
  });
}

function refuseFile(fileName: string, why: string): WinnowError {
  return new WinnowError(
    "request.invalid",
    `Probe file ${fileName}: ${why}.`,
    `Write {"commands": [{"resource": "/"}]}; a command may have ${knownKeys.join(", ")}.`,
  );
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
