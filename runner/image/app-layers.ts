import type { Keep } from "#contract/job.ts";
import { ruleName } from "#contract/keep.ts";
import { readInstruction } from "./history-step.ts";

type Layers = { layers: readonly (readonly string[])[]; history: readonly { createdBy: string; isEmpty: boolean }[] };

/** Whether any rule goes by layers: only then is the image's archive read. */
export const wantsLayers = ({ includeLastLayers, includeAppImage }: Keep): boolean =>
  includeLastLayers > 0 || includeAppImage !== undefined;

/** What the rules that go by layers stand for: each with the paths that its layers brought. */
export function layerRules(image: Layers, keep: Keep): { rule: string; paths: string[] }[] {
  const rules: { rule: string; paths: string[] }[] = [];
  const add = (rule: string, count: number) => {
    const layers = count > 0 ? image.layers.slice(-count) : [];
    rules.push({ rule, paths: [...new Set(layers.flat())] });
  };
  if (keep.includeLastLayers > 0)
    add(ruleName("include-last-image-layers", String(keep.includeLastLayers)), keep.includeLastLayers);
  const app = keep.includeAppImage;
  if (app?.startInstruction !== undefined) {
    const start = instructionAt(image.history, app.startInstruction);
    add(ruleName("app-image-start-instruction", app.startInstruction), layersFrom(image, start));
  } else if (app) {
    const rule = app.startGroup > 0 ? ruleName("app-image-start-instruction-group", String(app.startGroup)) : appRule;
    add(rule, layersFrom(image, buildStarts(image.history).at(-1 - app.startGroup)));
  }
  return rules;
}

const appRule = "--include-app-image-all";

/** How many of the last layers come from this step on. Counted from the end: what is squashed is the base. */
function layersFrom({ history, layers }: Layers, start: number | undefined): number {
  if (start === undefined) return 0;
  return Math.min(history.slice(start).filter(({ isEmpty }) => !isEmpty).length, layers.length);
}

/**
 * The steps at which builds upon a base begin, oldest first; the base itself is none. A history does not name its FROM: a base
 * ends with an imported or added root file system, and where files follow a CMD or an ENTRYPOINT, which end a Dockerfile.
 */
export function buildStarts(history: Layers["history"]): number[] {
  const starts: number[] = [];
  let isEnded = false;
  for (const [index, { createdBy, isEmpty }] of history.entries()) {
    const step = readInstruction(createdBy);
    if (!isEmpty && isEnded) {
      starts.push(index);
      isEnded = false;
    }
    const isRoot = index === 0 && (step === undefined || (step.name === "ADD" && /\s\/\s*$/.test(step.text)));
    if (isRoot || step?.name === "CMD" || step?.name === "ENTRYPOINT") isEnded = true;
  }
  return starts;
}

function instructionAt(history: Layers["history"], prefix: string): number | undefined {
  const found = history.findIndex(({ createdBy }) => {
    const step = readInstruction(createdBy);
    return step && `${step.name} ${step.text}`.startsWith(prefix.trim());
  });
  return found < 0 ? undefined : found;
}
