import { spawn } from "node:child_process";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { z } from "zod";
import { WinnowError } from "#contract/error.ts";
import { readClientFile } from "./connect.ts";

/** What the engine's API takes as X-Registry-Auth. */
export type Credentials = { username?: string; password?: string; identitytoken?: string; serveraddress: string };

const Auth = z.looseObject({
  auth: z.string().optional(),
  username: z.string().optional(),
  password: z.string().optional(),
  identitytoken: z.string().optional(),
});
const CredentialsConfig = z.looseObject({
  auths: z.record(z.string(), Auth).optional(),
  credHelpers: z.record(z.string(), z.string()).optional(),
  credsStore: z.string().optional(),
});
const HelperAnswer = z.looseObject({ Username: z.string(), Secret: z.string() });

/** The name that Docker Hub has in the client's files, for historical reasons. */
const hubServer = "https://index.docker.io/v1/";
const helperMs = 20_000;

/** Runs `docker-credential-NAME get` and gives its standard output; throws when it fails. Injected in tests. */
export type RunHelper = (program: string, server: string) => Promise<string>;

/**
 * Finds the credentials for a registry in config.json of the Docker client: a helper of this registry, the general store,
 * then what is written in the file. Undefined when there are none. Throws `config.invalid` for a helper that fails.
 */
export async function findCredentials(
  configDir: string,
  domain: string,
  runHelper: RunHelper = runProgram,
): Promise<Credentials | undefined> {
  const config = readClientFile(join(configDir, "config.json"), CredentialsConfig);
  if (!config) return undefined;
  const server = domain === "docker.io" ? hubServer : domain;
  const helper = config.credHelpers?.[server] ?? config.credHelpers?.[domain] ?? config.credsStore;
  const found = helper ? await askHelper(helper, server, runHelper) : undefined;
  return found ?? readAuth(config.auths ?? {}, server);
}

async function askHelper(helper: string, server: string, runHelper: RunHelper): Promise<Credentials | undefined> {
  if (!/^[\w.-]+$/.test(helper)) throw helperError(helper, "its name is no program's");
  try {
    const { Username, Secret } = HelperAnswer.parse(JSON.parse(await runHelper(`docker-credential-${helper}`, server)));
    // The protocol's word for a token in place of a password.
    if (Username === "<token>") return { identitytoken: Secret, serveraddress: server };
    return { username: Username, password: Secret, serveraddress: server };
  } catch (cause) {
    if (cause instanceof Error && /credentials not found/i.test(cause.message)) return undefined;
    // Never the cause's text: a helper's output may hold the secret.
    throw helperError(helper, "it failed", cause);
  }
}

const helperError = (helper: string, why: string, cause?: unknown): WinnowError =>
  new WinnowError(
    "config.invalid",
    `The credential helper "${printable(helper)}" gave no credentials: ${why}.`,
    "Check `credHelpers` and `credsStore` in the Docker client's config.json.",
    cause,
  );

const printable = (text: string): string => text.slice(0, 80).replace(/[^\x20-\x7e]/g, "?");

function readAuth(auths: Readonly<Record<string, z.infer<typeof Auth>>>, server: string): Credentials | undefined {
  const key = Object.keys(auths).find((name) => name === server || bareHost(name) === bareHost(server));
  const auth = key === undefined ? undefined : auths[key];
  if (!auth) return undefined;
  if (auth.identitytoken) return { identitytoken: auth.identitytoken, serveraddress: server };
  const [, user, secret] = /^([^:]*):([\s\S]*)$/.exec(Buffer.from(auth.auth ?? "", "base64").toString("utf8")) ?? [];
  const username = auth.username ?? user;
  const password = auth.password ?? secret?.replace(/\0+$/, "");
  return username && password !== undefined ? { username, password, serveraddress: server } : undefined;
}

/** `https://registry.example:5000/v2/` and `registry.example:5000` are the same registry. */
const bareHost = (server: string): string => server.replace(/^https?:\/\//, "").split("/")[0] ?? "";

async function runProgram(program: string, server: string): Promise<string> {
  const child = spawn(program, ["get"], { stdio: ["pipe", "pipe", "ignore"], timeout: helperMs });
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  });
  child.stdin.on("error", () => {}); // a helper that does not read its input says why by its exit code
  child.stdin.end(server);
  const [output, code] = await Promise.all([buffer(child.stdout), ended]);
  if (code !== 0) throw new Error(output.toString("utf8").trim() || `exit code ${code}`);
  return output.toString("utf8");
}
