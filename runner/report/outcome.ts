import type { JobRequest } from "#contract/job.ts";
import type { StageTime } from "#contract/report.ts";
import type { SourceImage } from "../image/source.ts";
import type { Rootfs } from "../rootfs.ts";
import type { Contents } from "../rules/packs/context.ts";
import type { Observed } from "../stages/observe.ts";
import type { Proof } from "../stages/prove.ts";
import type { ReadOwners } from "../stages/read-owners.ts";

/** Everything a finished job knows: what the report and the artifacts are made from. */
export type Outcome = Proof & {
  request: JobRequest;
  source: SourceImage;
  index: { rootfs: Rootfs; unreadable: number; umount: string };
  /** Who owns which entries of the image. */
  owners: ReadOwners;
  observed: Observed;
  /** What was read of the image for the keep set. */
  contents: Contents;
  stages: StageTime[];
  startedAt: number;
};
