import { oncePerWave, readText } from "./image-tree.ts";
import { maxPathCharacters, maxPathLength, type Package } from "./package-record.ts";

/** Where apk keeps what it installed. */
export const apkDatabases = ["/lib/apk/db/installed", "/usr/lib/apk/db/installed"];

const maxBytes = 64 << 20;

/** The packages that apk installed, by name. A database that is cut short gives what stands before the cut. */
export const apkPackages = oncePerWave((context): ReadonlyMap<string, Package> => {
  const text = apkDatabases.map((path) => readText(context, path, maxBytes)).find((each) => each !== undefined);
  return new Map(parseApkInstalled(text ?? "").map((each) => [each.name, each]));
});

/** The format of apk's `installed`: one letter, a colon, a value; `F:` is a directory and `R:` a file in it. */
export function parseApkInstalled(text: string): Package[] {
  const packages: Package[] = [];
  let fields = new Map<string, string>();
  let files: string[] = [];
  let directory = "";
  let characters = 0;
  const addFile = (path: string) => {
    characters += path.length;
    if (path.length < maxPathLength && characters < maxPathCharacters) files.push(path);
  };
  const end = () => {
    const name = fields.get("P") ?? "";
    if (name !== "") packages.push(toPackage(name, fields, files));
    fields = new Map();
    files = [];
    directory = "";
  };
  for (const line of text.split("\n")) {
    if (line === "") end();
    if (line[1] !== ":") continue;
    const value = line.slice(2);
    if (line[0] === "F") {
      directory = value === "" ? "" : `/${value}`;
      if (directory !== "") addFile(directory);
    } else if (line[0] === "R") addFile(`${directory}/${value}`);
    else fields.set(line[0] ?? "", value);
  }
  end();
  return packages;
}

function toPackage(name: string, fields: ReadonlyMap<string, string>, files: string[]): Package {
  const names = (key: string) =>
    (fields.get(key) ?? "")
      .split(" ")
      .filter((each) => each !== "" && each[0] !== "!")
      .map((each) => each.replace(/[<>=~].*/s, ""));
  return {
    system: "apk",
    name,
    source: fields.get("o") ?? name,
    section: "",
    priority: "",
    isEssential: false,
    depends: names("D"),
    provides: names("p"),
    listedIn: [],
    files,
  };
}
