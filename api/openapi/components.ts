import { zodToOpenAPIRegistry } from "@asteasolutions/zod-to-openapi";
import type { z } from "zod";
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

/**
 * Schemas that the OpenAPI document has by name, and the names that generated clients give them. What others hold as `nullable` comes before
 * them: the generator takes the first form that it meets for the component itself.
 */
const components = {
  ...{ Verdict, Failure, ReportSummary, WaitReason, ImageFacts, TokenScope, EngineFacts, Timings, Outcome },
  ...{ Limits, Run, Scenario, Keep, Observe, Output, JobRequest },
  ...{ ReportAnswer: Answer, Difference, Report },
  ...{ JobSummary, AttemptView, JobView, Submission, Submitted, JobList, JobEvent },
  ...{ ArtifactView, ArtifactList, ImageSummary, TrendPoint, ImageList, ImageView, Comparison },
  ...{ RunnerView, RunnerList, TokenView, TokenList, NewToken, IssuedToken },
  ...{ AuditEntry, AuditList, Health, Version, Problem },
  ...{ RunnerFacts, Registration, Session, Registered, ClaimRequest, ClaimedJob, Claimed, Heartbeat },
  ...{ HeartbeatAnswer, Started, Source, SourceAnswer, Progress, ProgressBatch, ProgressAnswer, LogAnswer },
  ...{ ArtifactOffer, ArtifactTicket, Finish, Finished, Release },
};

/** Gives the schemas of the contract, which knows nothing of documents, their names; as definitions for the generator. */
export function namedSchemas(): { type: "schema"; schema: z.ZodType }[] {
  return Object.entries<z.ZodType>(components).map(([refId, schema]) => {
    if (!zodToOpenAPIRegistry.has(schema)) zodToOpenAPIRegistry.add(schema, { _internal: { refId } });
    return { type: "schema", schema };
  });
}
