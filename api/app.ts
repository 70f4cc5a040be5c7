import { OpenAPIHono } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "./app-deps.ts";
import type { AppEnv } from "./app-env.ts";
import { audit } from "./middleware/audit.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { headers } from "./middleware/headers.ts";
import { limitBody, limitTime } from "./middleware/limits.ts";
import { answerError, answerProblem, notFound, refuseInvalid } from "./problem.ts";
import { attemptRoutes } from "./routes/attempts/routes.ts";
import { jobRoutes } from "./routes/jobs/routes.ts";
import { methodsAt } from "./routes/methods-at.ts";
import { runnerRoutes } from "./routes/runner/routes.ts";

export const basePath = "/api/v1";

/** The whole API, without a socket: `app.fetch` for a server or an embedded runner, `app.request` for tests. */
export function createApp(deps: AppDeps): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
  app.onError(answerError(deps));
  app.use(headers, limitTime(deps), limitBody(deps));
  app.use(`${basePath}/*`, audit(deps), authenticate(deps));
  app.route(basePath, jobRoutes(deps));
  app.route(basePath, runnerRoutes(deps));
  app.route(basePath, attemptRoutes(deps));
  app.notFound((c) => {
    const methods = methodsAt(app.routes, c.req.path);
    if (methods.length === 0) return answerProblem(c, notFound(c.req.path));
    c.header("allow", methods.join(", "));
    const detail = `${c.req.method} is not for ${c.req.path}.`;
    return answerProblem(c, new WinnowError("method.not-allowed", detail, `Use ${methods.join(" or ")}.`));
  });
  return app;
}
