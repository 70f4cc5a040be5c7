import { expect, it } from "vitest";
import { asksForEastAsian } from "./ruby-encodings.ts";

it.each([
  ['text.encode("UTF-8", invalid: :replace, undef: :replace)', false],
  ["text.force_encoding(Encoding::UTF_8)", false],
  ["text.encode 'utf-8', universal_newline: true", false],
  ["Encoding.default_external = Encoding::UTF_8", false],
  ["text.encode", false],
  ['text.encode("UTF-8").strip_all(x)', false],
  ["", false],
  ["text.encode(params[:as])", true],
  ['text.encode("UTF-8", given)', true],
  ["text.force_encoding name", true],
  ["text.encode(Encoding.find(name))", true],
  ["Encoding::Converter.new(a, b)", true],
  ['text.encode("Shift_JIS")', true],
  ["Encoding::EUC_JP", true],
  ['File.open(path, "r:gb18030:utf-8")', true],
  ["# coding: euc-kr", true],
])("%j asks for East Asia: %j", (source, answer) => {
  expect(asksForEastAsian(source)).toBe(answer);
});

it("takes little time for hostile text", () => {
  const start = performance.now();
  for (const text of [".encode(".repeat(1 << 16), `.encode(${"(".repeat(1 << 18)}`, `.encode ${'"'.repeat(1 << 18)}`])
    asksForEastAsian(text);
  expect(performance.now() - start).toBeLessThan(10_000);
});
