import type { AppDeps } from "../../app-deps.ts";
import { newRoutes } from "../route.ts";
import { addCommitArtifact, addOfferArtifact, addPutArtifact } from "./artifacts.ts";
import { addFinish } from "./finish.ts";
import { addPatchLog } from "./log.ts";
import { addProgress } from "./progress.ts";
import { addSource } from "./source.ts";
import { addRelease, addStart } from "./start.ts";

const adders = [
  ...[addStart, addSource, addProgress, addPatchLog],
  ...[addOfferArtifact, addPutArtifact, addCommitArtifact],
  ...[addFinish, addRelease],
];

/** All calls of an attempt, with its own token. */
export function attemptRoutes(deps: AppDeps) {
  const routes = newRoutes();
  for (const add of adders) add(routes, deps);
  return routes;
}
