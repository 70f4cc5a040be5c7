import Docker from "dockerode";
import { expect, test } from "vitest";
import { buildSample, buildSettings, imageOf, sampleNamed, sampleNames } from "./build.ts";
import { checkSample } from "./check.ts";

// `WINNOW_SAMPLES=redis,java` limits the run; the images come from infra/setup.sh --tests, or are built here.
const wanted = process.env.WINNOW_SAMPLES?.split(",") ?? sampleNames();
const docker = new Docker();

test.each(wanted)("the fat image of %s passes its own functional check", { timeout: 900_000 }, async (name) => {
  await buildSample(name, docker, buildSettings(process.env));
  const { failures } = await checkSample(sampleNamed(name), imageOf(name), docker);
  expect(failures).toEqual([]);
});

test("a check fails on an image that lacks what the sample needs", { timeout: 300_000 }, async () => {
  await buildSample("busybox-static", docker, buildSettings(process.env));
  // everything is there but one page: what a slimmer leaves out when it has seen only "/"
  const container = await docker.createContainer({
    Image: imageOf("busybox-static"),
    Cmd: ["sh", "-c", "echo -n > /www/deep/words.txt"],
    Labels: { "dev.winnow.test": "samples" },
  });
  try {
    await container.start();
    await container.wait();
    const { Cmd } = (await docker.getImage(imageOf("busybox-static")).inspect()).Config;
    const spoilt = "winnow-sample-spoilt:latest";
    await container.commit({ repo: "winnow-sample-spoilt", tag: "latest", changes: `CMD ${JSON.stringify(Cmd)}` });
    const { ok, failures } = await checkSample(sampleNamed("busybox-static"), spoilt, docker);
    await docker.getImage(spoilt).remove({ force: true });
    expect(ok).toBe(false);
    expect(failures).toEqual([expect.stringContaining("GET /deep/words.txt")]);
  } finally {
    await container.remove({ force: true, v: true });
  }
});
