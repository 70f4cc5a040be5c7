/** The names of encodings of East Asia, as a string, a constant or a magic comment has them. */
const eastAsian =
  /(?:^|[^\w-])(?:big5|cp9(?:32|36|49|50)|euc[-_]?(?:jp|jis|kr|cn|tw)|gb(?:k|[-_]?(?:2312|12345|18030))|iso[-_]?2022|s(?:hift)?[-_]?jis|windows[-_](?:31j|949|950))/i;

/** Calls that convert or name an encoding, with what follows on the line. */
const call = /\.(?:encode!?|force_encoding|set_encoding|default_(?:external|internal)\s*=)(?![\w?])([^\n;]{0,200})/g;

/** What looks up encodings, or makes a converter for them. */
const lookUp = /\bEncoding(?:\.(?:find|list|name_list|aliases|locale_charmap)|::Converter)\b/;

/** What decides nothing in the arguments of such a call. */
const literals =
  /(["'])[^"'#\n]*\1|\bEncoding::[A-Z]\w*|\bEncoding\.default_\w+|:\w+|\b\w+:(?!:)|\b(?:nil|true|false|if|unless|do|end)\b/g;

/** Whether a Ruby source may ask for tables of East Asia: it names one, or takes the name of an encoding from somewhere. */
export function asksForEastAsian(source: string): boolean {
  if (eastAsian.test(source) || lookUp.test(source)) return true;
  return [...source.matchAll(call)].some(([, rest = ""]) => {
    const [inside = ""] = /^\s*\(([^()]|\([^()]*\))*\)?|^[^).]*/.exec(rest) ?? [];
    return /[A-Za-z_]/.test(inside.replace(literals, ""));
  });
}
