import { randomBytes } from "node:crypto";
import { beforeEach, describe, expect, it } from "vitest";
import { ArtifactList, JobEvent, JobList, JobView, Submitted } from "#contract/service/job-view.ts";
import { Problem } from "#contract/service/problem.ts";
import { bodyOf } from "../../app-under-test.ts";
import { attemptCalls, protocolUnderTest, reportOf, succeeded } from "../runner/protocol.builder.ts";

let at: ReturnType<typeof protocolUnderTest>;
beforeEach(() => {
  at = protocolUnderTest({ settings: { lookMs: 2, streamMs: 60 } });
});

const get = (path: string, headers: Record<string, string> = {}) =>
  at.call(`GET ${path}`, { token: at.tokenOf("read"), headers });
const act = (line: string) => at.call(`POST ${line}`, { token: at.tokenOf("submit") });
const codeOf = async (answer: Response) => (await bodyOf(answer, Problem)).code;

/** A job that succeeded with a report and a log. */
async function aFinishedJob(log = "") {
  const { job, post, store, log: send } = await at.attempt();
  await store("report.json", reportOf(job.jobId));
  if (log !== "") expect((await send(0, log)).status).toBe(202);
  expect((await post("finish", succeeded(log))).status).toBe(200);
  return job.jobId;
}

describe("GET /jobs", () => {
  it("pages through all jobs, newest first, and no page changes when jobs are added", async () => {
    const ids = Array.from({ length: 7 }, (_, n) => at.submit(`web:${n}`)).reverse();
    const first = await bodyOf(await get("/jobs?limit=3"), JobList);
    at.submit("web:new");
    const second = await bodyOf(await get(`/jobs?limit=3&cursor=${first.next}`), JobList);
    const third = await bodyOf(await get(`/jobs?limit=3&cursor=${second.next}`), JobList);
    expect([first, second, third].flatMap(({ jobs }) => jobs.map(({ id }) => id))).toEqual(ids);
    expect(third.next).toBeNull();
  });

  it("filters by state, kind, image, repository, verdict and time", async () => {
    const done = await aFinishedJob();
    at.clock.now += 1000;
    const waiting = at.submit("registry.example/team/app:2");
    const idsOf = async (query: string) =>
      (await bodyOf(await get(`/jobs?${query}`), JobList)).jobs.map(({ id }) => id);
    expect(await idsOf("state=succeeded")).toEqual([done]);
    expect(await idsOf("state=succeeded&state=queued")).toEqual([waiting, done]);
    expect(await idsOf("kind=profile")).toEqual([]);
    expect(await idsOf("image=registry.example/team/app:2")).toEqual([waiting]);
    expect(await idsOf("repository=docker.io/library/web")).toEqual([done]);
    expect(await idsOf("verdict=verified")).toEqual([done]);
    expect(await idsOf(`since=${at.clock.now}`)).toEqual([waiting]);
    expect(await idsOf(`until=${at.clock.now}`)).toEqual([done]);
  });

  it.each(["limit=0", "limit=201", "limit=x", "state=done", "cursor=abc", "since=-1", "nonsense=1"])(
    "refuses %s and names it",
    async (query) => {
      const answer = await get(`/jobs?${query}`);
      expect(answer.status).toBe(422);
      expect((await bodyOf(answer, Problem)).errors).toHaveLength(1);
    },
  );
});

describe("a job's view", () => {
  it("hides secrets, wherever it is shown", async () => {
    const secret = randomBytes(12).toString("hex");
    const request = {
      image: "web:9",
      scenarios: [
        {
          env: [`API_TOKEN=${secret}`],
          probes: [{ kind: "http", resource: "/", headers: [["Authorization", `Bearer ${secret}`]], password: secret }],
        },
      ],
    };
    const answer = await at.call("POST /jobs", { token: at.tokenOf("submit"), body: { request } });
    const text = await answer.clone().text();
    const { job } = await bodyOf(answer, Submitted);
    const shown = [
      text,
      await (await get(`/jobs/${job.id}`)).text(),
      await (await act(`/jobs/${job.id}/cancel`)).text(),
    ];
    for (const one of shown) {
      expect(one).toContain("[redacted]");
      expect(one).not.toContain(secret);
    }
  });

  it("says why it waits", async () => {
    const { waitReason } = await bodyOf(await get(`/jobs/${at.submit()}`), JobView);
    expect(waitReason).toMatchObject({ code: "no-runner" });
  });

  it.each([
    ["image", "<script>alert(1)</script>"],
    ["image", "a\u202eb\u0000c"],
    ["image", "💥".repeat(100)],
  ])("gives a hostile %s back as it came, as JSON that no browser takes for a page", async (_field, image) => {
    const answer = await at.call("POST /jobs", { token: at.tokenOf("submit"), body: { request: { image } } });
    expect(answer.headers.get("content-type")).toBe("application/json");
    expect(answer.headers.get("x-content-type-options")).toBe("nosniff");
    expect((await bodyOf(answer, Submitted)).job.image).toBe(image);
  });
});

describe("acting on a job", () => {
  it("cancels a queued one at once, and one that has ended stays as it is", async () => {
    const id = at.submit();
    expect(await bodyOf(await act(`/jobs/${id}/cancel`), JobView)).toMatchObject({ state: "canceled" });
    const done = await aFinishedJob();
    expect(await bodyOf(await act(`/jobs/${done}/cancel`), JobView)).toMatchObject({ state: "succeeded" });
  });

  it("lets one at work clean up, and its runner hears of it", async () => {
    const { job, runner } = await at.attempt();
    expect(await bodyOf(await act(`/jobs/${job.jobId}/cancel`), JobView)).toMatchObject({ state: "canceling" });
    const attempts = [{ jobId: job.jobId, attempt: job.attempt, lease: job.lease }];
    const beat = await at.send("POST /runner/heartbeat", { token: runner.token, body: { attempts } });
    expect(await beat.json()).toMatchObject({ attempts: [{ action: "cancel" }] });
  });

  it("submits a canceled one anew, once for each key", async () => {
    const id = at.submit();
    await act(`/jobs/${id}/cancel`);
    const retry = () =>
      at.call(`POST /jobs/${id}/retry`, { token: at.tokenOf("submit"), headers: { "idempotency-key": "again-4711" } });
    const [first, second] = [await bodyOf(await retry(), Submitted), await bodyOf(await retry(), Submitted)];
    expect(first.job).toMatchObject({ state: "queued", image: "web:1" });
    expect(first.job.id).not.toBe(id);
    expect(second).toEqual(first);
  });

  it("refuses what the job's state does not allow", async () => {
    const done = await aFinishedJob();
    expect(await codeOf(await act(`/jobs/${done}/retry`))).toBe("job.wrong-state");
    expect(await codeOf(await act(`/jobs/${done}/finish-observation`))).toBe("job.wrong-state");
    expect(await codeOf(await act("/jobs/job_none/cancel"))).toBe("job.not-found");
  });
});

describe("artifacts and the report", () => {
  it("are listed with their digests, and sent so that no browser runs them", async () => {
    const id = await aFinishedJob();
    const { artifacts } = await bodyOf(await get(`/jobs/${id}/artifacts`), ArtifactList);
    expect(artifacts.map(({ name }) => name)).toContain("report.json");
    const sent = await get(`/jobs/${id}/artifacts/report.json`);
    expect(sent.headers.get("content-type")).toBe("application/octet-stream");
    expect(sent.headers.get("content-disposition")).toBe(`attachment; filename="${id}-report.json"`);
    expect(sent.headers.get("content-security-policy")).toBe("sandbox; default-src 'none'");
    expect(await sent.text()).toBe(reportOf(id));
  });

  it("never change: their answers may be kept, and are not sent again", async () => {
    const id = await aFinishedJob();
    const report = await get(`/jobs/${id}/report`);
    expect(report.headers.get("cache-control")).toBe("private, max-age=31536000, immutable");
    expect(report.headers.get("content-type")).toBe("application/json");
    const again = await get(`/jobs/${id}/report`, { "if-none-match": report.headers.get("etag") ?? "" });
    expect([again.status, await again.text()]).toEqual([304, ""]);
  });

  it.each([
    ["bytes=0-9", 206, (all: string) => all.slice(0, 10)],
    ["bytes=-5", 206, (all: string) => all.slice(-5)],
    ["bytes=7-", 206, (all: string) => all.slice(7)],
    ["bytes=5-2", 200, (all: string) => all],
    ["lines=1-2", 200, (all: string) => all],
    ["bytes=0-1,4-5", 200, (all: string) => all],
  ])("sends %s with %d", async (range, status, part) => {
    const id = await aFinishedJob();
    const answer = await get(`/jobs/${id}/artifacts/report.json`, { range });
    expect(answer.status).toBe(status);
    expect(await answer.text()).toBe(part(reportOf(id)));
  });

  it("says how much there is when a range begins behind the end", async () => {
    const id = await aFinishedJob();
    const answer = await get(`/jobs/${id}/artifacts/report.json`, { range: "bytes=999999-" });
    expect(answer.status).toBe(416);
    expect(answer.headers.get("content-range")).toBe(`bytes */${reportOf(id).length}`);
    expect(await codeOf(answer)).toBe("request.out-of-range");
  });

  it("names the API itself where the store gives no URLs, and the store's URL where it does", async () => {
    const id = await aFinishedJob();
    const path = `/jobs/${id}/artifacts/report.json`;
    expect(await (await get(`${path}?presign=1`)).json()).toMatchObject({ url: `/api/v1${path}` });
    at.deps.store.presignGet = async (key, { expiresMs }) => `https://storage.example/${key}?for=${expiresMs}`;
    const { url } = (await (await get(`${path}?presign=1`)).json()) as { url: string };
    expect(url).toBe(`https://storage.example/jobs/${id}/1/report.json?for=60000`);
  });

  it("are not there before the job has ended", async () => {
    const id = at.submit();
    expect(await codeOf(await get(`/jobs/${id}/report`))).toBe("report.not-found");
    expect(await codeOf(await get(`/jobs/${id}/artifacts/report.json`))).toBe("artifact.not-found");
  });
});

describe("the log", () => {
  it("is read while it grows, by Range, and after the job has ended", async () => {
    const { job, log, post, store } = await at.attempt();
    await store("report.json", reportOf(job.jobId));
    await log(0, "first line\n");
    expect(await (await get(`/jobs/${job.jobId}/log`)).text()).toBe("first line\n");
    const part = await get(`/jobs/${job.jobId}/log`, { range: "bytes=6-" });
    expect([part.status, await part.text(), part.headers.get("etag")]).toEqual([206, "line\n", null]);
    await log(11, "second line\n");
    expect((await post("finish", succeeded("first line\nsecond line\n"))).status).toBe(200);
    expect(await (await get(`/jobs/${job.jobId}/log`)).text()).toBe("first line\nsecond line\n");
  });

  it("is followed to its end, across the moment in which it is sealed", async () => {
    at.deps.settings.streamMs = 20_000;
    const { job, log, post, store } = await at.attempt();
    await store("report.json", reportOf(job.jobId));
    await log(0, "one\n");
    const followed = (await get(`/jobs/${job.jobId}/log?follow=1`)).text();
    await log(4, "two\n");
    expect((await post("finish", succeeded("one\ntwo\n"))).status).toBe(200);
    expect(await followed).toBe("one\ntwo\n");
    expect(await (await get(`/jobs/${job.jobId}/log?follow=1&from=4`)).text()).toBe("two\n");
  });

  it("of a job that nobody has begun is empty", async () => {
    const answer = await get(`/jobs/${at.submit()}/log`);
    expect([answer.status, await answer.text()]).toEqual([200, ""]);
  });
});

/** The events of a stream that has ended. */
function eventsIn(text: string): { id?: string; event?: string; data?: string }[] {
  const blocks = text.split("\n\n").filter((block) => block.includes("data:"));
  return blocks.map((block) =>
    Object.fromEntries(
      block.split("\n").map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 2)]),
    ),
  );
}

describe("the events", () => {
  it("are told from the first, as they happen, and end with the job", async () => {
    at.deps.settings.streamMs = 20_000;
    const id = at.submit();
    const stream = await get(`/jobs/${id}/events`);
    expect(stream.headers.get("content-type")).toBe("text/event-stream");
    const told = stream.text();
    const runner = await at.register();
    const [job] = await at.claim(runner.token);
    if (!job) throw new Error("nothing was claimed");
    const { post, store } = attemptCalls(at.send, job);
    await post("start");
    await store("report.json", reportOf(job.jobId));
    expect((await post("finish", succeeded())).status).toBe(200);
    const events = eventsIn(await told);
    const states = events
      .filter(({ event }) => event === "state")
      .map(({ data = "" }) => JobEvent.parse(JSON.parse(data)).detail.state);
    expect(states[0]).toBe("queued");
    expect(states.at(-1)).toBe("succeeded");
    expect(events.at(-1)).toMatchObject({ event: "end", data: '{"state":"succeeded"}' });
  });

  it("go on behind Last-Event-ID, and behind `since`", async () => {
    const id = at.submit();
    await act(`/jobs/${id}/cancel`);
    const all = eventsIn(await (await get(`/jobs/${id}/events`)).text());
    const rest = eventsIn(await (await get(`/jobs/${id}/events`, { "last-event-id": all[0]?.id ?? "" })).text());
    expect(rest).toEqual(all.slice(1));
    expect(eventsIn(await (await get(`/jobs/${id}/events?since=${all[0]?.id}`)).text())).toEqual(rest);
  });

  it("end after a time with a hint when to come back, and show that they live until then", async () => {
    at.deps.settings.pingMs = 10;
    const text = await (await get(`/jobs/${at.submit()}/events`)).text();
    expect(text).toContain("retry: 1000\n");
    expect(text).toContain(": still there\n");
    expect(text).not.toContain("event: end");
  });

  it("are for so many viewers at a time; a seat is free again when one leaves", async () => {
    const few = protocolUnderTest({ settings: { lookMs: 2, streamMs: 20_000, viewersPerToken: 1 } });
    const id = few.submit();
    const watch = () => few.call(`GET /jobs/${id}/events`, { token: few.tokenOf("read") });
    const first = await watch();
    const second = await watch();
    expect([second.status, second.headers.get("retry-after")]).toEqual([429, "5"]);
    await first.body?.cancel();
    await expect
      .poll(async () => {
        const again = await watch();
        await again.body?.cancel();
        return again.status;
      })
      .toBe(200);
  });

  it("are refused while the server stops, and end", async () => {
    at.deps.settings.streamMs = 20_000;
    const id = at.submit();
    const open = (await get(`/jobs/${id}/events`)).text();
    at.deps.lifecycle.isDraining = true;
    expect(await open).not.toContain("event: end");
    expect((await get(`/jobs/${id}/events`)).status).toBe(503);
  });
});
