import { deflateSync } from "node:zlib";

type Parts = { atoms?: string[]; calls?: string[]; strings?: string[]; otp?: number };

/** For tests: a compiled module with these atoms and string literals that calls each of `calls`: a module, or `module:function`. */
export function aBeam(module: string, { atoms = [], calls = [], strings = [], otp = 25 }: Parts = {}): Buffer {
  const functions = calls.map((call) => call.split(":")[1] ?? module);
  const modules = calls.map((call) => call.split(":")[0] ?? call);
  const all = [...new Set([module, ...atoms, ...modules, ...functions])];
  const length = (atom: string) => {
    const bytes = Buffer.byteLength(atom);
    if (otp < 28) return Buffer.from([bytes]);
    return bytes < 16 ? Buffer.from([bytes << 4]) : Buffer.from([((bytes >> 8) << 5) | 0x08, bytes & 0xff]);
  };
  const table = all.flatMap((atom) => [length(atom), Buffer.from(atom)]);
  const number = (atom: string) => u32(all.indexOf(atom) + 1);
  const imports = modules.map((each, at) => Buffer.concat([number(each), number(functions[at] ?? module), u32(0)]));
  const terms = strings.map((text) => Buffer.concat([Buffer.from([131, 107, 0, text.length]), Buffer.from(text)]));
  const literals = Buffer.concat([u32(terms.length), ...terms.flatMap((term) => [u32(term.length), term])]);
  const chunks = [
    chunk("AtU8", Buffer.concat([u32(otp < 28 ? all.length : -all.length), ...table])),
    chunk("ImpT", Buffer.concat([u32(imports.length), ...imports])),
    chunk(
      "LitT",
      otp < 28 ? Buffer.concat([u32(literals.length), deflateSync(literals)]) : Buffer.concat([u32(0), literals]),
    ),
  ];
  const body = Buffer.concat([Buffer.from("BEAM"), ...chunks]);
  return Buffer.concat([Buffer.from("FOR1"), u32(body.length), body]);
}

function u32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function chunk(name: string, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from(name), u32(content.length), content, Buffer.alloc((4 - (content.length % 4)) % 4)]);
}
