import { expect, it } from "vitest";
import { Keep } from "#contract/job.ts";
import { buildStarts, layerRules } from "./app-layers.ts";

const step = (createdBy: string, isEmpty = /^(?:CMD|ENV|ENTRYPOINT|LABEL)/.test(createdBy)) => ({ createdBy, isEmpty });

const debian = [step("ADD rootfs.tar.xz / # buildkit"), step('CMD ["bash"]')];
const language = [
  step("RUN /bin/sh -c apt-get install x # buildkit"),
  step('ENTRYPOINT ["entry"]'),
  step('CMD ["run"]'),
];
const app = [step("LABEL a=b"), step("COPY . /srv # buildkit"), step("RUN make"), step('CMD ["serve"]')];
const image = {
  history: [...debian, ...language, ...app],
  layers: [["/etc", "/etc/base"], ["/usr/x"], ["/srv", "/srv/a"], ["/srv/b", "/srv/a"]],
};
const paths = (keep: Partial<Parameters<typeof Keep.decode>[0]>) => layerRules(image, Keep.parse(keep));

it("finds where builds upon a base begin", () => {
  expect(buildStarts(image.history)).toEqual([2, 6]);
  expect(buildStarts([step("", false), step("COPY a /a")])).toEqual([1]);
  expect(buildStarts([step("COPY a /a"), step("COPY b /b"), step('CMD ["a"]')])).toEqual([]);
  expect(buildStarts([])).toEqual([]);
});

it("takes the last layers, each path once", () => {
  expect(paths({ includeLastLayers: 2 })).toEqual([
    { rule: "--include-last-image-layers 2", paths: ["/srv", "/srv/a", "/srv/b"] },
  ]);
  expect(paths({ includeLastLayers: 9 })[0]?.paths).toHaveLength(6);
});

it.each([
  [{}, "--include-app-image-all", ["/srv", "/srv/a", "/srv/b"]],
  [{ startGroup: 1 }, "--app-image-start-instruction-group 1", ["/usr/x", "/srv", "/srv/a", "/srv/b"]],
  [{ startGroup: 2 }, "--app-image-start-instruction-group 2", []],
  [{ startInstruction: "RUN make" }, "--app-image-start-instruction RUN make", ["/srv/b", "/srv/a"]],
  [{ startInstruction: "RUN nothing" }, "--app-image-start-instruction RUN nothing", []],
])("takes the layers of the application: %j", (includeAppImage, rule, expected) => {
  expect(paths({ includeAppImage })).toEqual([{ rule, paths: expected }]);
});
