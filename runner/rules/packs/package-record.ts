/** What a package manager's database says of one installed package. Names and paths as they stand there. */
export type Package = {
  system: "dpkg" | "apk" | "rpm";
  name: string;
  /** The source package; its own name where it has the same. */
  source: string;
  section: string;
  /** Of dpkg; elsewhere empty. */
  priority: string;
  isEssential: boolean;
  /** Names of packages or of what packages provide, alternatives among them, without versions. */
  depends: readonly string[];
  provides: readonly string[];
  /** Where the files are told: a path of the image, or the files themselves. */
  listedIn: readonly string[];
  files: readonly string[];
};

/** `libc6 (>= 2.36), debconf | debconf-2.0, python3:any` → the names. */
export function dependencyNames(field: string): string[] {
  const names = field.split(/[,|]/).map((each) => /^\s*([\w.+-]+)/.exec(each)?.[1]);
  return [...new Set(names.filter((name) => name !== undefined))];
}

/** Paths of all packages together; more is no database but an attempt at filling the memory. */
export const maxPathCharacters = 128 << 20;

/** Longer paths the kernel refuses (PATH_MAX). */
export const maxPathLength = 4096;
