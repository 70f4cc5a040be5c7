/**
 * What a Perl source asks for: a module when it is compiled (`use`) or when it runs (`require`), a file (`do`, `require "x.pl"`), a
 * module that a string or a class call names, all modules below a computed name, a directory for the search path, a module that
 * perl loads by itself for something in the text.
 * `lazy`: inside a sub, so it happens only when that is called.
 */
export type PerlEdge = {
  kind: "use" | "require" | "file" | "name" | "below" | "lib" | "implied";
  name: string;
  lazy: boolean;
};

const maxLine = 4000; // longer ones are data
const maxEdges = 5000;
const maxStatementLines = 60;

const loads = /(?<![$@%&>\w:-])(use|no|require)[ \t]{1,20}(?!v\d)([A-Za-z_]\w*(?:::\w+)*)/g;
const files = /(?<![$@%&>\w-])(?:do|require)[ \t(]{1,9}["']([^"'$@\n]{1,300})["']/g;
const calls =
  /\b(?:load|load_class|load_first_existing_class|try_load_class|use_module|require_module|use_package_optimistically|autoload|load_module|use_ok|require_ok|extends|with|runtime_use)\b[ \t(]{0,9}["']\+?([A-Za-z_]\w*(?:::\w+)*)["']/g;
const names = /["'+]([A-Z]\w*(?:::\w+)+)["']|(?<![$@%&\w:])([A-Z]\w*(?:::\w+)+)->/g;
const computed = /["']([A-Z]\w*(?:::\w+)*)::(?:["']|\$|\{|%s)/g;
const computedFile = /(?<![$@%&>\w-])(?:do|require)[ \t(]{1,9}"([A-Z]\w*(?:\/\w+)*)\/\$/g;
const driver = /\bdbi:([A-Za-z]\w{0,60})/gi;

/** Statements whose words are modules, perhaps over several lines. */
const lists =
  /(?:^|;)\s*(?:use\s+(?:base|parent|mixin|superclass|aliased|autouse|if|fields)\b|(?:extends|with)\b|(?:use|no)\s+lib\b)/;
const word = /["']([^"'\n]{1,300})["']|\bqw\s{0,5}(?:\(([^)]{1,4000})|[[{<]([^\]}>]{1,4000})|[/|!]([^/|!]{1,4000}))/g;

/** What the language itself loads for these, without a word in the source. */
const implied: readonly [RegExp, readonly string[]][] = [
  [/\$[+-]\{|%[+-](?=[\s;)}])/, ["Tie::Hash::NamedCapture"]],
  [/\$!\{|%!(?=[\s;)}])/, ["Errno"]],
  [/\bglob\b|<[^<>=\s]*\*[^<>]*>/, ["File::Glob"]],
  [/->(?:autoflush|binmode|blocking|opened|printf?|say|getlines?|close|fileno|flush|sync)\b/, ["IO::File"]],
  [/,\s{0,9}\\\s{0,9}(?:my\b|["'$])/, ["PerlIO", "PerlIO::scalar"]],
  [/:encoding\(/, ["PerlIO", "PerlIO::encoding", "Encode"]],
  [/:via\(/, ["PerlIO", "PerlIO::via"]],
  [/\\[pPX]\b|\buse\s+utf8\b/, ["utf8_heavy.pl"]], // until 5.30; its tables go with it
  [/\\N\{|\bcharnames\b/, ["_charnames", "charnames"]],
  [/^\s*use\s+v?5[.\d_]*\s*;/, ["feature", "strict", "warnings"]],
  [/\bsub\b[^;{]{0,99}:\s{0,9}\w|\bmy\b[^;=]{0,99}:\s{0,9}[a-z]\w*\s{0,9}[;=]/, ["attributes"]],
];

/** The edges of a Perl source. Reads line by line, past documentation, comments and what follows the end mark; never fails. */
export function scanPerl(source: string): PerlEdge[] {
  const found: PerlEdge[] = [];
  let sub: string | undefined; // indentation of the sub that we are in
  let isPod = false;
  let open: string[] = []; // lines of a list that is not closed yet
  for (const whole of source.split("\n")) {
    const line = whole.length > maxLine ? "" : whole.replace(/\s#\s.*$/, "");
    if (/^__(?:END|DATA)__/.test(line) || found.length >= maxEdges) break;
    if (/^=[a-z]/.test(line)) isPod = !line.startsWith("=cut");
    else if (!isPod && !/^\s*(?:#|$)/.test(line)) {
      const indent = /^\s*/.exec(line)?.[0] ?? "";
      if (sub === undefined && /^\s*sub\s+\w/.test(line) && !/[};]\s*(?:#.*)?$/.test(line)) sub = indent;
      else if (sub === indent && line.startsWith("}", indent.length)) sub = undefined;
      scanLine(line, sub !== undefined, found);
      const start = open.length > 0 ? 0 : lists.exec(line)?.index;
      if (start !== undefined) open.push(line.slice(start).replace(/^;/, ""));
      if (open.length > 0 && (open.at(-1)?.includes(";") || open.length > maxStatementLines)) {
        scanList(open.join("\n"), found);
        open = [];
      }
    }
  }
  return found;
}

function scanLine(line: string, lazy: boolean, found: PerlEdge[]): void {
  const add = (kind: PerlEdge["kind"], name: string | undefined, isLazy = lazy) => {
    if (name) found.push({ kind, name, lazy: isLazy });
  };
  // `use` happens when the file is compiled, wherever it stands.
  for (const [, verb, name] of line.matchAll(loads))
    add(verb === "require" ? "require" : "use", name, verb === "require" && lazy);
  for (const [, name] of line.matchAll(files)) add("file", name);
  for (const [, name] of line.matchAll(calls)) add("require", name);
  for (const [, quoted, bare] of line.matchAll(names)) add("name", quoted ?? bare);
  for (const [, name] of line.matchAll(computed)) add("below", name);
  for (const [, directory] of line.matchAll(computedFile)) add("below", directory?.replaceAll("/", "::"));
  for (const [, name] of line.matchAll(driver)) add("name", `DBD::${name}`);
  for (const [mark, modules] of implied) if (mark.test(line)) for (const name of modules) add("implied", name, false);
}

function scanList(statement: string, found: PerlEdge[]): void {
  if (/-norequire\b/.test(statement)) return;
  const isPath = /^\s*(?:use|no)\s+lib\b/.test(statement);
  const isRole = /^\s*(?:extends|with)\b/.test(statement);
  for (const [, quoted, ...parts] of statement.matchAll(word)) {
    for (const each of quoted === undefined ? parts.join("").split(/\s+/) : [quoted]) {
      const name = each.replace(/^\+/, "");
      if (isPath) found.push({ kind: "lib", name, lazy: false });
      else if (/^[A-Za-z_]\w*(?:::\w+)*$/.test(name))
        found.push({ kind: isRole ? "require" : "use", name, lazy: false });
    }
  }
}
