// Every route for every identity, from the OpenAPI document: who is let in, who is not, and what the audit says of it.
import { eq } from "drizzle-orm";
import { describe, expect, it } from "vitest";
import { Problem } from "#contract/service/problem.ts";
import type { TokenScope } from "#contract/service/token.ts";
import { issueToken } from "../db/issue-token.ts";
import { audit, tokens } from "../db/schema.ts";
import { committedText } from "../openapi/committed.ts";
import { fillPath, type Operation, operationsOf } from "../openapi/operations.builder.ts";
import { protocolUnderTest } from "../routes/runner/protocol.builder.ts";
import { makeToken } from "./token.ts";

const operations = operationsOf(JSON.parse(committedText()));

const scopes = ["read", "submit", "admin", "runner", "hook"] as const;
const others = ["none", "mistyped", "unknown", "expired", "revoked", "wrun", "watt"] as const;
const identities = [...scopes, ...others];
type Identity = (typeof identities)[number];

/** Written out here, not taken from the code: what is right. */
const admits: Record<string, readonly Identity[]> = {
  read: ["read", "submit", "admin"],
  submit: ["submit", "admin"],
  admin: ["admin"],
  runner: ["runner"],
  hook: ["hook"],
};

function mayCall({ needs }: Operation, identity: Identity): boolean {
  if (!needs) return true;
  if (needs.scheme === "runner") return identity === "wrun";
  if (needs.scheme === "attempt") return identity === "watt";
  return admits[needs.scope ?? ""]?.includes(identity) ?? false;
}

/** A server with a job at work, and one token of each kind. */
async function world() {
  const at = protocolUnderTest();
  const { job, runner } = await at.attempt();
  const good = (scope: TokenScope) => issueToken(at.db, { name: scope, scope, now: at.clock.now });
  const held: Partial<Record<Identity, string>> = { wrun: runner.token, watt: job.token };
  for (const scope of scopes) held[scope] = good(scope).token;
  const expired = issueToken(at.db, { name: "old", scope: "admin", now: at.clock.now - 10_000, expiresInMs: 9_999 });
  const revoked = good("admin");
  at.db.update(tokens).set({ revokedAt: at.clock.now }).where(eq(tokens.id, revoked.id)).run();
  Object.assign(held, { expired: expired.token, revoked: revoked.token, unknown: makeToken("wapi") });
  held.mistyped = `${held.admin?.slice(0, -1)}${held.admin?.endsWith("0") ? "1" : "0"}`;
  at.db.delete(audit).run();
  const values = {
    id: job.jobId,
    jobId: job.jobId,
    attempt: String(job.attempt),
    name: "report.json",
    repository: "web",
  };
  return { ...at, held, values };
}

type World = Awaited<ReturnType<typeof world>>;
type Told = { identity: Identity; status: number; code?: unknown; audited: [string, number][] };

async function ask({ app, db, held, values }: World, operation: Operation, identity: Identity): Promise<Told> {
  const token = held[identity];
  const none = { "/api/v1/runners/{id}": "run_none", "/api/v1/tokens/{id}": "tok_none" };
  const [, id] = Object.entries(none).find(([path]) => operation.path.startsWith(path)) ?? [];
  const query = operation.path === "/api/v1/compare" ? `?from=${values.id}&to=${values.id}` : "";
  const isBody = operation.requestBody?.content["application/json"] !== undefined;
  const answer = await app.request(fillPath(operation.path, { ...values, ...(id && { id }) }) + query, {
    method: operation.method,
    body: isBody ? "{}" : undefined,
    headers: {
      "winnow-protocol": "1",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(isBody && { "content-type": "application/json" }),
    },
  });
  const isProblem = answer.headers.get("content-type") === "application/problem+json";
  const code = isProblem ? Problem.parse(await answer.json()).code : undefined;
  if (!isProblem) await answer.body?.cancel();
  const rows = db.select().from(audit).all();
  db.delete(audit).run();
  return { identity, status: answer.status, code, audited: rows.map(({ action, status }) => [action, status]) };
}

const isWrong = (identity: Identity) => ["mistyped", "unknown", "expired", "revoked"].includes(identity);

/** What a caller who is not let in is told. */
function refusal(identity: Identity): Told {
  if (identity === "none") return { identity, status: 401, code: "token.missing", audited: [] };
  if (isWrong(identity)) return { identity, status: 401, code: "token.invalid", audited: [] };
  return { identity, status: 403, code: "token.denied", audited: [] };
}

describe.each(operations.map((operation) => [operation.name, operation] as const))("%s", (_name, operation) => {
  const isPublic = operation.needs === undefined;
  const isReading = operation.path.startsWith("/api/"); // elsewhere nobody looks at tokens that are not needed
  const isIn = (identity: Identity) => (isPublic ? !(isWrong(identity) && isReading) : mayCall(operation, identity));

  it("refuses those who may not call it, and writes nothing of them into the audit", async () => {
    const at = await world();
    const refused = identities.filter((identity) => !isIn(identity));
    const told: Told[] = [];
    for (const identity of refused) told.push(await ask(at, operation, identity));
    expect(told).toEqual(refused.map(refusal));
  });

  it("lets in those who may, and writes one row of each into the audit if it may change something", async () => {
    for (const identity of identities.filter(isIn)) {
      const { status, audited } = await ask(await world(), operation, identity);
      expect([401, 403], identity).not.toContain(status);
      if (isPublic) expect(status, identity).toBe(200);
      const isAudited = operation.method !== "GET" && operation.needs?.scheme === "token";
      expect(audited, identity).toEqual(isAudited ? [[operation.name, status]] : []);
    }
  });
});

it("covers at least 300 cells", () => {
  expect(operations.length * identities.length).toBeGreaterThanOrEqual(300);
});
