import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { projectRoot } from "../root.ts";
import { committedText } from "./committed.ts";
import type { OpenApiDocument } from "./document.ts";
import { makeJudge, type Operation, operationsOf } from "./operations.builder.ts";

let text = "";
let document: OpenApiDocument;
let operations: Operation[];
beforeAll(() => {
  text = committedText();
  document = JSON.parse(text);
  operations = operationsOf(document);
});

describe("the OpenAPI document", () => {
  it("is the committed one: `npm run openapi` writes it anew", () => {
    expect(readFileSync(join(projectRoot(), "api", "openapi.json"), "utf8") === text).toBe(true);
  });

  it("says of each operation who may call it, and only these are for everybody", () => {
    const open = operations.filter((one) => one.needs === undefined).map(({ name }) => name);
    expect(open.sort()).toEqual(["GET /api/v1/version", "GET /livez", "GET /readyz"]);
    const schemes = new Set(operations.map((one) => one.needs?.scheme));
    expect(schemes).toEqual(new Set(["token", "runner", "attempt", undefined]));
    for (const { name, needs } of operations)
      if (needs?.scheme === "token") expect(needs.scope, name).toMatch(/^(read|submit|admin|runner|hook)$/);
  });

  it("has an example for each JSON body, and all examples fit their schemas", () => {
    const judge = makeJudge(document);
    const faults: string[] = [];
    let examined = 0;
    const look = (where: string, schemaAt: string, example: unknown) => {
      examined += 1;
      const fault = example === undefined ? "has no example" : judge.fits(schemaAt, example);
      if (fault) faults.push(`${where} ${fault}`);
    };
    for (const one of operations) {
      for (const [mediaType, media] of Object.entries(one.requestBody?.content ?? {}))
        if (mediaType === "application/json") look(`${one.name} body`, judge.bodyAt(one, mediaType), media.example);
      for (const [status, { content = {} }] of Object.entries(one.responses))
        for (const [mediaType, media] of Object.entries(content)) {
          const where = `${one.name} ${status}`;
          if (mediaType === "application/json" && media.schema && !one.path.endsWith("/report"))
            look(where, judge.responseAt(one, status, mediaType), media.example);
        }
    }
    expect(faults).toEqual([]);
    expect(examined).toBeGreaterThan(40);
  });

  it("has an example of each problem, which fits", () => {
    const judge = makeJudge(document);
    const examples = Object.entries(document.components?.examples ?? {});
    const refused = examples.filter(([, one]) =>
      judge.fits("document#/components/schemas/Problem", "value" in one && one.value),
    );
    expect(refused).toEqual([]);
    expect(examples.length).toBeGreaterThan(50);
  });

  it("names what many operations share", () => {
    const names = Object.keys(document.components?.schemas ?? {});
    for (const name of ["JobRequest", "JobView", "Report", "Problem", "RunnerView"]) expect(names).toContain(name);
  });
});
