import { OpenAPIHono } from "@hono/zod-openapi";
import { WinnowError } from "#contract/error.ts";
import type { AppDeps } from "./app-deps.ts";
import type { AppEnv } from "./app-env.ts";
import { makeMetrics } from "./metrics.ts";
import { audit } from "./middleware/audit.ts";
import { authenticate } from "./middleware/authenticate.ts";
import { headers } from "./middleware/headers.ts";
import { limitBody, limitTime } from "./middleware/limits.ts";
import { measure } from "./middleware/measure.ts";
import { answerError, answerProblem, notFound, refuseInvalid } from "./problem.ts";
import { attemptRoutes } from "./routes/attempts/routes.ts";
import { compareRoutes } from "./routes/compare/routes.ts";
import { imageRoutes } from "./routes/images/routes.ts";
import { jobRoutes } from "./routes/jobs/routes.ts";
import { methodsAt } from "./routes/methods-at.ts";
import { runnerRoutes } from "./routes/runner/routes.ts";
import { runnerAdminRoutes } from "./routes/runners/routes.ts";
import { auditRoutes } from "./routes/service/audit.ts";
import { docsRoutes } from "./routes/service/docs.ts";
import { healthRoutes } from "./routes/service/health.ts";
import { metricsRoutes } from "./routes/service/metrics.ts";
import { problemRoutes } from "./routes/service/problems.ts";
import { versionRoutes } from "./routes/service/version.ts";
import { tokenRoutes } from "./routes/tokens/routes.ts";

export const basePath = "/api/v1";

/** What people and machines call, below the base path. */
const userRoutes = [jobRoutes, imageRoutes, compareRoutes, runnerAdminRoutes, tokenRoutes, auditRoutes, versionRoutes];

/** The whole API, without a socket: `app.fetch` for a server or an embedded runner, `app.request` for tests. */
export function createApp(deps: AppDeps): OpenAPIHono<AppEnv> {
  const app = new OpenAPIHono<AppEnv>({ defaultHook: refuseInvalid });
  app.onError(answerError(deps));
  const metrics = makeMetrics(deps);
  const known = authenticate(deps);
  app.use(headers, measure(metrics), limitTime(deps), limitBody(deps));
  app.use(`${basePath}/*`, audit(deps), known);
  app.use("/metrics", known);
  for (const routes of userRoutes) app.route(basePath, routes(deps));
  app.route(basePath, runnerRoutes(deps));
  app.route(basePath, attemptRoutes(deps));
  for (const routes of [healthRoutes(deps), metricsRoutes(metrics), docsRoutes(() => app), problemRoutes()])
    app.route("/", routes);
  app.notFound((c) => {
    const methods = methodsAt(app.routes, c.req.path);
    if (methods.length === 0) return answerProblem(c, notFound(c.req.path));
    c.header("allow", methods.join(", "));
    const detail = `${c.req.method} is not for ${c.req.path}.`;
    return answerProblem(c, new WinnowError("method.not-allowed", detail, `Use ${methods.join(" or ")}.`));
  });
  return app;
}
