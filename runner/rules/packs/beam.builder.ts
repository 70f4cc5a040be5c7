/** For tests: a compiled module that holds these atoms and calls a function of each of `calls`. */
export function aBeam(
  module: string,
  { atoms = [], calls = [], otp = 25 }: { atoms?: string[]; calls?: string[]; otp?: number } = {},
): Buffer {
  const all = [...new Set([module, ...atoms, ...calls])];
  const length = (atom: string) => {
    const bytes = Buffer.byteLength(atom);
    if (otp < 28) return Buffer.from([bytes]);
    return bytes < 16 ? Buffer.from([bytes << 4]) : Buffer.from([((bytes >> 8) << 5) | 0x08, bytes & 0xff]);
  };
  const table = all.flatMap((atom) => [length(atom), Buffer.from(atom)]);
  const imports = calls.map((call) => Buffer.concat([u32(all.indexOf(call) + 1), u32(1), u32(0)]));
  const chunks = [
    chunk("AtU8", Buffer.concat([u32(otp < 28 ? all.length : -all.length), ...table])),
    chunk("ImpT", Buffer.concat([u32(imports.length), ...imports])),
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
