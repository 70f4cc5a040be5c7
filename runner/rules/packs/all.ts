import type { KeepProfile } from "#contract/job.ts";
import type { Pack } from "./pack.ts";

/** What follows the application's own intent outward, in the order in which reasons are given. */
const safe: readonly Pack[] = [];

/** The packs of a keep profile; `exact` keeps what was observed and its closure, and has none. */
export function packsOf(profile: KeepProfile): readonly Pack[] {
  return profile === "exact" ? [] : safe;
}
