import { z } from "zod";
import { JobRequest, Limits, Run, Scenario } from "#contract/job.ts";
import { Keep } from "#contract/keep.ts";
import { Observe } from "#contract/observe.ts";
import { Output } from "#contract/output.ts";
import { Answer, Difference, ImageFacts, Report, Verdict } from "#contract/report.ts";
import { AuditEntry, AuditList, Health, Version } from "#contract/service/admin-view.ts";
import { Comparison, ImageList, ImageSummary, ImageView, TrendPoint } from "#contract/service/image-view.ts";
import * as jobView from "#contract/service/job-view.ts";
import { Problem } from "#contract/service/problem.ts";
import * as protocol from "#contract/service/runner-protocol.ts";
import { RunnerList, RunnerView } from "#contract/service/runner-view.ts";
import { Timings } from "#contract/service/timings.ts";
import { IssuedToken, NewToken, TokenList, TokenScope, TokenView } from "#contract/service/token.ts";

const { ArtifactList, ArtifactView, AttemptView, JobEvent, JobList, JobSummary, JobView } = jobView;
const { ReportSummary, Submission, Submitted, WaitReason } = jobView;
const { ArtifactOffer, ArtifactTicket, ClaimRequest, Claimed, ClaimedJob, EngineFacts, Failure, Finish, Finished } =
  protocol;
const { Heartbeat, HeartbeatAnswer, LogAnswer, Outcome, Progress, ProgressAnswer, ProgressBatch, Registered } =
  protocol;
const { Registration, Release, RunnerFacts, Session, Source, SourceAnswer, Started } = protocol;

/** Schemas that the OpenAPI document has by name, and the names that generated clients give them. */
const components = {
  ...{ JobRequest, Limits, Run, Scenario, Keep, Observe, Output },
  ...{ Report, ReportAnswer: Answer, Difference, ImageFacts, Verdict },
  ...{ Submission, Submitted, JobList, JobSummary, JobView, JobEvent, AttemptView, WaitReason, ReportSummary },
  ...{ ArtifactList, ArtifactView, ImageList, ImageSummary, ImageView, TrendPoint, Comparison },
  ...{ RunnerList, RunnerView, TokenList, TokenView, NewToken, IssuedToken, TokenScope },
  ...{ AuditEntry, AuditList, Health, Version, Problem, Timings },
  ...{ Registration, Registered, RunnerFacts, EngineFacts, Session, ClaimRequest, Claimed, ClaimedJob, Heartbeat },
  ...{ HeartbeatAnswer, Started, Source, SourceAnswer, Progress, ProgressBatch, ProgressAnswer, LogAnswer },
  ...{ ArtifactOffer, ArtifactTicket, Outcome, Failure, Finish, Finished, Release },
};

/** Gives the schemas of the contract, which knows nothing of documents, their names. */
export function nameComponents(): void {
  for (const [id, schema] of Object.entries<z.ZodType>(components)) {
    const known = z.globalRegistry.get(schema);
    if (known?.id === undefined) z.globalRegistry.add(schema, { ...known, id });
  }
}
