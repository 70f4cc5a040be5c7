import { expect, test } from "vitest";
import { JobRequest } from "#contract/job.ts";
import { depsFor, enginesUnderTest, loadTestImage } from "../docker/engine-under-test.ts";
import { removeImage } from "../docker/images.ts";
import { leftovers } from "../docker/sweep.ts";
import { info } from "./info.ts";

const engines = await enginesUnderTest(process.env);

test.each(engines)("an image that cannot run on $host is described without a container", async (engine) => {
  const deps = depsFor(engine);
  const image = `winnow-test-info-${process.pid}:1`;
  const content = Buffer.alloc(5000, "x");
  const files = [{ name: "app", mode: 0o755, uid: 0, gid: 0, content }];
  await loadTestImage(deps, image, files, { WorkingDir: "/srv" }, { architecture: "s390x" });
  const made: string[] = [];
  const { docker } = engine;
  const counting = Object.assign(Object.create(docker), {
    createContainer: () => {
      made.push("container");
      throw new Error("no container was wanted");
    },
  });
  const { source, layerBytes, dockerfile } = await info(JobRequest.parse({ kind: "info", image }), {
    ...deps,
    engine: { ...engine, docker: counting },
  });
  expect(source).toMatchObject({ architecture: "s390x", reference: image });
  if (engine.facts.storage === "containerd") expect(layerBytes).toBeNull();
  else expect(layerBytes).toBe(content.length);
  expect(dockerfile).toContain("\nWORKDIR /srv\n");
  expect(made).toEqual([]);
  expect((await leftovers(engine, deps.jobId)).containers).toEqual([]);
  await removeImage(deps, image);
});
