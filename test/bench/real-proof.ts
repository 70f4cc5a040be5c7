import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { pack } from "tar-stream";
import { buildSample, buildSettings, imageOf, realDir, sampleNamed } from "../images/build.ts";
import { checkSample } from "../images/check.ts";
import { type Bench, type Group, testLabel, untag } from "./bench.ts";
import { chosenReal } from "./real.ts";
import { seconds, table } from "./table.ts";

type Row = {
  name: string;
  steps: number;
  /** Of the check on the fat image; there should be none. */
  failures: readonly string[];
  /** Images with one path less, and what the check found there; undefined when it noticed nothing. */
  spoilt: { path: string; noticed: string | undefined }[];
  checkMs: number;
};

/** Whether the functional checks of the real applications can be trusted: they pass on the fat image and fail on a broken one. */
export const realProof: Group = async (bench) => {
  const rows: Row[] = [];
  const failed: string[] = [];
  for (const name of chosenReal(bench)) {
    bench.say(`real-proof: ${name}`);
    try {
      const row = await proveCheck(name, bench);
      rows.push(row);
      for (const { path, noticed } of row.spoilt)
        bench.say(`  without ${path}: ${noticed ? "noticed" : "NOT NOTICED"}`);
    } catch (error) {
      bench.signal.throwIfAborted();
      failed.push(`${name}: FAILED: ${error}`);
    }
  }
  const wrong = rows.filter(
    ({ failures, spoilt }) => failures.length > 0 || spoilt.some(({ noticed }) => !noticed) || spoilt.length === 0,
  );
  return {
    title: "Functional checks of real applications: passed by the fat image, failed by each broken one",
    text: [
      table(
        ["application", "steps", "fat", "broken noticed", "check s"],
        rows.map(({ name, steps, failures, spoilt, checkMs }) => [
          name,
          steps,
          failures.length === 0 ? "passed" : "FAILED",
          `${spoilt.filter(({ noticed }) => noticed).length}/${spoilt.length}`,
          seconds(checkMs),
        ]),
      ),
      "",
      ...failed,
      ...rows.flatMap(({ name, failures }) => failures.map((failure) => `${name}: ${failure}`)),
      ...rows.flatMap(({ name, spoilt }) =>
        spoilt.map(({ path, noticed }) => `${name} without ${path}: ${noticed?.slice(0, 160) ?? "NOT NOTICED"}`),
      ),
    ].join("\n"),
    notes: ["broken: the fat image without one path that the default probe does not need."],
    data: { rows, failed },
    unmeasured: failed.length + wrong.length,
  };
};

async function proveCheck(name: string, bench: Bench): Promise<Row> {
  const sample = sampleNamed(name, realDir);
  const image = await buildSample(name, bench.docker, buildSettings(process.env), realDir);
  const { steps, failures, durationMs } = await checkSample(sample, image, bench.docker);
  const spoilt: Row["spoilt"] = [];
  for (const path of sample.spoils) {
    bench.signal.throwIfAborted();
    const tag = `${imageOf(name, realDir).replace(/:.*/, "")}:spoilt`;
    try {
      await buildWithout(path, { image, tag }, bench);
      const { failures } = await checkSample(sample, tag, bench.docker);
      spoilt.push({ path, noticed: failures[0] });
    } finally {
      await untag(bench, [tag]);
    }
  }
  return { name, steps, failures, spoilt, checkMs: durationMs };
}

/** Tags the image without one path as `tag`; its config stays. Throws when the image has no such path. */
async function buildWithout(path: string, { image, tag }: { image: string; tag: string }, { docker }: Bench) {
  const { User } = (await docker.getImage(image).inspect()).Config;
  const context = pack();
  const remove = JSON.stringify(["sh", "-c", 'test -e "$0" && rm -r "$0"', path]);
  context.entry({ name: "Dockerfile" }, `FROM ${image}\nUSER root\nRUN ${remove}\nUSER ${User || "root"}\n`);
  context.finalize();
  const log = await text(
    await docker.buildImage(Readable.from(context), { t: tag, forcerm: true, networkmode: "none", labels: testLabel }),
  );
  if (log.includes('"errorDetail"')) throw new Error(`${path} could not be taken out of ${image}: ${log.slice(-300)}`);
}
