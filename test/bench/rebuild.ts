import { type Bench, type Group, type MeasuredJob, measureJob, stageTimes, untag } from "./bench.ts";
import { buildPadded, type Padding } from "./padded-image.ts";
import { median, megabytes, spread, table, verdictOf } from "./table.ts";

const maxGrowth = 1.2;

/** With the base and Node below them, about 0.5 and 2 GB. */
const small: Padding = { name: "padded-small", files: 10_000, bytes: 0.2e9 };
const large: Padding = { name: "padded-large", files: 50_000, bytes: 1.7e9 };

/** The same application in a small and in a large image: whether the work grows with what is kept, or with what is not. */
export const rebuild: Group = async (bench) => {
  const images = new Map<Padding, string>();
  for (const size of [small, large]) {
    bench.say(`rebuild: the image ${size.name}`);
    images.set(size, await buildPadded(bench.docker, size));
  }
  const jobs = new Map<Padding, MeasuredJob[]>([
    [small, []],
    [large, []],
  ]);
  for (let run = 0; run < bench.repeat; run += 1) {
    // In turns, so that what else the machine does meets both.
    for (const [size, image] of images) {
      bench.say(`rebuild: ${size.name}, job ${run + 1} of ${bench.repeat}`);
      jobs.get(size)?.push(await measureSize(size, image, bench));
    }
  }
  const timesOf = (size: Padding, name: string): number[] =>
    (jobs.get(size) ?? []).map((job) => (name === "whole job" ? job.wallMs : (stageTimes(job.report)[name] ?? 0)));
  const growth = (name: string) => median(timesOf(large, name)) / median(timesOf(small, name));
  const facts = [small, large].map((size) => {
    const report = jobs.get(size)?.at(-1)?.report;
    return [
      size.name,
      report && megabytes(report.fat.rootfsBytes),
      report?.fat.entries,
      report?.slim ? megabytes(report.slim.rootfsBytes) : undefined,
      report?.slim?.entries,
      report?.verdict ?? undefined,
    ];
  });
  const names = ["rebuild", "index", "observe", "assert", "verify", "whole job"];
  const goal = (name: string) => (name === "rebuild" ? verdictOf([{ name, isMet: growth(name) <= maxGrowth }]) : "-");
  return {
    title: `Rebuild against fat size: the same application, ${bench.repeat} jobs each`,
    text: [
      table(["image", "fat MB", "fat entries", "slim MB", "slim entries", "verdict"], facts),
      "",
      table(
        ["ms", small.name, large.name, "growth", "goal"],
        names.map((name) => [
          name,
          spread(timesOf(small, name), 0),
          spread(timesOf(large, name), 0),
          growth(name).toFixed(2),
          goal(name),
        ]),
      ),
    ].join("\n"),
    notes: [
      `Goal: the rebuild stage within ${((maxGrowth - 1) * 100).toFixed(0)} % of each other. The index lists every entry of the fat image and grows with their number; it runs beside the observation.`,
    ],
    unmeasured: 0,
    data: Object.fromEntries(
      [...jobs].map(([{ name, files, bytes }, measured]) => [
        name,
        {
          files,
          bytes,
          jobs: measured.map(({ wallMs, report: { fat, slim, verdict, stages } }) => ({
            wallMs,
            fatBytes: fat.rootfsBytes,
            slimBytes: slim?.rootfsBytes ?? null,
            verdict,
            stages,
          })),
        },
      ]),
    ),
  };
};

async function measureSize({ name }: Padding, image: string, bench: Bench): Promise<MeasuredJob> {
  const tag = `winnow-bench-${name}:slim`;
  try {
    return await measureJob({ image, tags: [tag], keep: { profile: "exact" } }, bench);
  } finally {
    await untag(bench, [tag]);
  }
}
