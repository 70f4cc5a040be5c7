import { IssuedToken, type TokenScope } from "#contract/service/token.ts";
import type { ApiClient } from "./api-client.ts";
import { unexpected } from "./insist.ts";

/** New tokens of that scope, by the API as an admin gets them. */
export async function issueTokens(
  client: ApiClient,
  adminToken: string,
  { scope, count }: { scope: TokenScope; count: number },
): Promise<string[]> {
  const tokens: string[] = [];
  for (let index = 0; index < count; index++) {
    const body = { name: `${scope} ${index}`, scope };
    const answer = await client.call({ method: "POST", path: "/tokens", token: adminToken, body });
    if (answer.status !== 201) throw unexpected("a new token", answer);
    tokens.push(IssuedToken.parse(answer.content).token);
  }
  return tokens;
}
