import { z } from "zod";
import { WinnowError } from "#contract/error.ts";

const Line = z.looseObject({ path: z.string().startsWith("/"), kept: z.boolean() });

/** docker-slim's container report, as far as it tells what was kept. */
const ContainerReport = z.looseObject({
  image: z.looseObject({ files: z.array(z.looseObject({ file_path: z.string().startsWith("/") })) }),
});

/**
 * The paths that an earlier job kept, from its `files.jsonl` or from a docker-slim `creport.json`. Throws `request.invalid`
 * for a text that is neither, with the line of what cannot be read.
 */
export function keptPaths(text: string, name: string): string[] {
  const whole = parsed(text);
  const report = ContainerReport.safeParse(whole);
  if (report.success) return [...new Set(report.data.image.files.map((file) => file.file_path))];
  // One line of a list is a document of its own, too.
  if (whole !== undefined && !Line.safeParse(whole).success) throw unknown(name, "");
  return text.split("\n").flatMap((line, index) => {
    if (line.trim() === "") return [];
    const entry = Line.safeParse(parsed(line));
    if (!entry.success) throw unknown(name, `:${index + 1}`);
    return entry.data.kept ? [entry.data.path] : [];
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const unknown = (name: string, line: string) =>
  new WinnowError(
    "request.invalid",
    `${name}${line} does not say what was kept.`,
    "Give the files.jsonl of a job (it lies beside its report.json), or a creport.json of docker-slim.",
  );
