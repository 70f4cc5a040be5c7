import type { AppDeps } from "../../app-deps.ts";
import { newRoutes } from "../route.ts";
import { addActions } from "./act.ts";
import { addArtifacts } from "./artifacts.ts";
import { addJobEvents } from "./events.ts";
import { addListJobs } from "./list.ts";
import { addJobLog } from "./log.ts";
import { addReadJob } from "./read.ts";
import { addReport } from "./report.ts";
import { makeSeats } from "./seats.ts";
import { addSubmitJob } from "./submit.ts";

/** All routes of jobs that people call. */
export function jobRoutes(deps: AppDeps) {
  const routes = newRoutes();
  const seats = makeSeats(deps.settings);
  for (const add of [addSubmitJob, addListJobs, addReadJob, addReport, addArtifacts, addActions]) add(routes, deps);
  for (const add of [addJobEvents, addJobLog]) add(routes, deps, seats);
  return routes;
}
