import type { AppDeps } from "../../app-deps.ts";
import { newRoutes } from "../route.ts";
import { addClaim } from "./claim.ts";
import { addHeartbeat } from "./heartbeat.ts";
import { addOpenSession, addRegister } from "./register.ts";

/** What a runner calls besides the calls of its attempts. */
export function runnerRoutes(deps: AppDeps) {
  const routes = newRoutes();
  for (const add of [addRegister, addOpenSession, addClaim, addHeartbeat]) add(routes, deps);
  return routes;
}
