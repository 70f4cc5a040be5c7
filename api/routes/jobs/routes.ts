import type { AppDeps } from "../../app-deps.ts";
import { newRoutes } from "../route.ts";
import { addReadJob } from "./read.ts";
import { addSubmitJob } from "./submit.ts";

/** All routes of jobs that people call. */
export function jobRoutes(deps: AppDeps) {
  const routes = newRoutes();
  for (const add of [addSubmitJob, addReadJob]) add(routes, deps);
  return routes;
}
