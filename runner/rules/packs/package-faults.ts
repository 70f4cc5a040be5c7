import { apkDatabases } from "./apk.ts";
import { dpkgPackages, dpkgStatus, parseControl } from "./dpkg.ts";
import { realPath } from "./image-tree.ts";
import type { PackContext } from "./pack.ts";
import { rpmDatabase, rpmFault } from "./rpm.ts";

/** No image has more damaged lists than are worth a line. */
const maxFaults = 20;

/** What the readers of these files take. */
const maxRecordBytes = 64 << 20;
const maxListBytes = 16 << 20;

/**
 * What is wrong with the databases of package managers, as `PATH is cut short`: packages behind the cut own nothing, and no rule
 * for packages sees them. Nothing is said of what is not there, which is how many images are made small.
 */
export function packageFaults(context: PackContext): string[] {
  const records = [dpkgStatus, ...apkDatabases];
  const lists = [...dpkgPackages(context).values()].flatMap(({ listedIn }) => listedIn);
  const rpm = rpmDatabase(context);
  const fault = rpm && (rpm.bytes === undefined ? "cannot be read" : rpmFault(rpm.bytes));
  const faults = [
    ...(rpm && fault !== undefined ? [`${rpm.path} ${fault}`] : []),
    ...records.flatMap((path) => textFault(context, path, maxRecordBytes, isWholeRecord)),
    ...lists.flatMap((path) => textFault(context, path, maxListBytes, isWholeList)),
  ];
  return faults.slice(0, maxFaults);
}

function textFault(
  context: PackContext,
  spelled: string,
  maxBytes: number,
  isWhole: (text: string) => boolean,
): string[] {
  const path = realPath(context, spelled);
  if (path === undefined) return [];
  const text = context.text(path, maxBytes);
  if (text === undefined) return [`${path} cannot be read`];
  return isWhole(text) ? [] : [`${path} is cut short`];
}

const isWholeList = (text: string) => text === "" || text.endsWith("\n");

/** Records of dpkg and apk end with an empty line; who wrote one by hand may have left that out, but not the version. */
function isWholeRecord(text: string): boolean {
  if (text.trim() === "" || text.endsWith("\n\n")) return true;
  const last = parseControl(text.slice(-(1 << 16))).at(-1);
  return text.endsWith("\n") && (last?.has("version") ?? last?.has("v") ?? false);
}
