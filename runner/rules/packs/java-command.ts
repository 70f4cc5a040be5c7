/** What the command line of a JVM names, as spelled. */
export type JavaCommand = {
  /** Class and module path, agents, boot classes: `lib/*` stands for the jars of a directory. */
  paths: string[];
  /** The argument of `-jar`. */
  jar: string | undefined;
  /** `@file`. */
  argumentFiles: string[];
  /** `-Dname=value`. */
  properties: Map<string, string>;
};

const withPath = /^(?:-cp|-classpath|--class-path|-p|--module-path|--upgrade-module-path|--patch-module)$/;
const withValue =
  /^(?:--add-(?:modules|opens|exports|reads)|--limit-modules|--source|--describe-module|-d|--enable-native-access)$/;

/** Reads the words behind `java` (java(1)); what follows the main class or the jar is the application's. */
export function parseJavaCommand(words: readonly string[]): JavaCommand {
  const command: JavaCommand = { paths: [], jar: undefined, argumentFiles: [], properties: new Map() };
  const addPaths = (list: string) => {
    for (const path of list.split(":")) if (path !== "") command.paths.push(path);
  };
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? "";
    const property = /^-D([\w.-]+)=(.*)$/s.exec(word);
    const agent = /^-(?:javaagent|agentpath):([^=]*)/.exec(word)?.[1];
    const long = /^--(?:class-path|module-path|upgrade-module-path)=(.*)$/s.exec(word)?.[1];
    const boot = /^-Xbootclasspath(?:\/[ap])?:(.*)$/s.exec(word)?.[1];
    if (word === "-jar") return { ...command, jar: words[at + 1] };
    if (withPath.test(word)) addPaths(words[++at] ?? "");
    else if (withValue.test(word)) at++;
    else if (property) command.properties.set(property[1] ?? "", property[2] ?? "");
    else if (word.startsWith("@")) command.argumentFiles.push(word.slice(1));
    else if (agent ?? long ?? boot) addPaths(agent ?? long ?? boot ?? "");
    else if (word !== "" && !word.startsWith("-"))
      return command; // the main class
    else if (word === "-m" || word === "--module") return command;
  }
  return command;
}

/** The words of an argument file or of JAVA_TOOL_OPTIONS: blanks between them, quotes around those that hold blanks. */
export function javaWords(text: string): string[] {
  const plain = text.slice(0, 1 << 20).replace(/^\s*#.*$/gm, "");
  return [...plain.matchAll(/"([^"]*)"|'([^']*)'|[^\s"']+/g)].map(([word, double, single]) => double ?? single ?? word);
}
