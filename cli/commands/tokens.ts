import { join } from "node:path";
import { issueToken } from "#api/db/issue-token.ts";
import { listTokens } from "#api/db/list-tokens.ts";
import { openDatabase } from "#api/db/open.ts";
import { revokeToken } from "#api/db/revoke-token.ts";
import { WinnowError } from "#contract/error.ts";
import { IssuedToken, type NewToken, TokenList, type TokenView } from "#contract/service/token.ts";
import type { Client } from "../client.ts";
import { escapeControl } from "../escape.ts";
import { formatAge, formatTable } from "../format.ts";
import { isStateEmpty } from "../state.ts";
import type { World } from "../world.ts";

/**
 * Where tokens are kept: with a server that is asked, or in the state directory of one on this host. The latter is for whoever has no
 * admin token yet or any more; it works while the server runs and while it does not.
 */
export type TokenPlace = { client: Client } | { statePath: string };

type Around = { place: TokenPlace; world: World; json: boolean };

/** `winnow tokens add NAME --scope SCOPE`: prints the token alone, so that a script can take it. */
export async function addToken(asked: NewToken, { place, world, json }: Around): Promise<number> {
  const issued =
    "client" in place
      ? await place.client.ask("/tokens", IssuedToken, { method: "POST", body: asked })
      : withDatabase(place.statePath, (db) => issueToken(db, { ...asked, now: world.now() }));
  if (json) world.stdout.write(`${JSON.stringify(issued, null, 2)}\n`);
  else {
    world.stdout.write(`${issued.token}\n`);
    const until = new Date(issued.expiresAt).toISOString().slice(0, 16).replace("T", " ");
    world.stderr.write(`${issued.id}, scope ${issued.scope}, good until ${until} UTC; it is not shown again\n`);
  }
  return 0;
}

/** `winnow tokens list`. */
export async function showTokens({ place, world, json }: Around): Promise<number> {
  const tokens =
    "client" in place
      ? (await place.client.ask("/tokens", TokenList)).tokens
      : withDatabase(place.statePath, (db) => listTokens(db));
  const text = json ? JSON.stringify({ tokens }, null, 2) : tokensTable(tokens, world.now());
  world.stdout.write(`${text}\n`);
  return 0;
}

/** `winnow tokens revoke ID`: void at once. */
export async function voidToken(id: string, { place, world }: Around): Promise<number> {
  if ("client" in place) await place.client.tell(`/tokens/${encodeURIComponent(id)}`, { method: "DELETE" });
  else withDatabase(place.statePath, (db) => revokeToken(db, { id, now: world.now() }));
  world.stdout.write(`${id} revoked\n`);
  return 0;
}

function withDatabase<T>(statePath: string, work: (db: ReturnType<typeof openDatabase>) => T): T {
  if (isStateEmpty(statePath)) {
    throw new WinnowError(
      "config.invalid",
      `There is no server's state at ${statePath}.`,
      "Name its directory with --state-path, or the server with --server.",
    );
  }
  const db = openDatabase(join(statePath, "winnow.db"));
  try {
    return work(db);
  } finally {
    db.close();
  }
}

function tokensTable(tokens: TokenView[], now: number): string {
  const head = ["TOKEN", "NAME", "SCOPE", "ENDS IN", "STATE", "LAST USED", "AGE"];
  const row = ({ id, name, scope, lastFour, createdAt, expiresAt, revokedAt, lastUsedAt }: TokenView) => [
    `${id} …${lastFour}`,
    escapeControl(name),
    scope,
    expiresAt > now ? formatAge(expiresAt - now) : "-",
    revokedAt !== null ? "revoked" : expiresAt > now ? "good" : "expired",
    lastUsedAt === null ? "never" : `${formatAge(now - lastUsedAt)} ago`,
    formatAge(now - createdAt),
  ];
  return formatTable([head, ...tokens.map(row)]);
}
