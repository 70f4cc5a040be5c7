import { request } from "node:http";
import { differs } from "./expectation.ts";
import type { Step } from "./sample.ts";
import type { StepContext } from "./step.ts";
import { within } from "./within.ts";

type HttpStep = Extract<Step, { http: string }>;
export async function runHttp(
  step: HttpStep,
  { container, transport, port, memory }: StepContext,
): Promise<string | undefined> {
  const target = step.port ?? port;
  if (!target) throw new Error("a http step needs a port");
  const filled = (text: string) => text.replace(/\$\{(\w+)\}/g, (whole, name) => memory.values.get(name) ?? whole);
  const [method = "GET", path = "/"] = filled(step.http).split(" ");
  const cookie = [...(memory.cookies ?? [])].map(([name, value]) => `${name}=${value}`).join("; ");
  const own = Object.fromEntries(Object.entries(step.headers).map(([name, value]) => [name, filled(value)]));
  const socket = await within(10_000, transport.connect(container, target));
  try {
    const answer = await within(
      30_000,
      new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
        const headers = { host: `localhost:${target}`, connection: "close", ...(cookie && { cookie }), ...own };
        // A Duplex is all that node's client needs of a socket.
        const outgoing = request({ method, path, headers, createConnection: () => socket as never }, (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk)).once("error", reject);
          incoming.once("end", () =>
            resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, body: Buffer.concat(chunks) }),
          );
        });
        outgoing.once("error", reject).end(step.body === undefined ? undefined : filled(step.body));
      }),
    );
    const body = answer.body.toString("utf8");
    for (const line of [answer.headers["set-cookie"] ?? []].flat()) {
      const [, name = "", value = ""] = /^([^=;]+)=([^;]*)/.exec(String(line)) ?? [];
      memory.cookies?.set(name, value);
    }
    if (answer.status !== step.status) return `status ${answer.status}, expected ${step.status}: ${body.slice(0, 300)}`;
    const type = String(answer.headers["content-type"] ?? "");
    if (step.type && !type.startsWith(step.type)) return `content type ${type}, expected ${step.type}`;
    for (const [name, part] of Object.entries(step.sends)) {
      const value = String(answer.headers[name] ?? "");
      if (!value.includes(part)) return `header ${name} is ${JSON.stringify(value)}, expected ${JSON.stringify(part)}`;
    }
    if (step.minBytes && answer.body.length < step.minBytes)
      return `${answer.body.length} bytes, expected ${step.minBytes}`;
    for (const [name, pattern] of Object.entries(step.remembers)) {
      const found = pattern.exec(body)?.[1];
      if (found === undefined) return `nothing to remember as ${name} in ${JSON.stringify(body.slice(0, 400))}`;
      memory.values.set(name, found);
    }
    return differs(body, step);
  } finally {
    socket.destroy();
  }
}

type TcpStep = Extract<Step, { tcp: string }>;
export async function askTcp(step: TcpStep, { container, transport, port }: StepContext): Promise<string> {
  const target = step.port ?? port;
  if (!target) throw new Error("a tcp step needs a port");
  const socket = await within(10_000, transport.connect(container, target));
  let answer = "";
  const complete = new Promise<void>((resolve, reject) => {
    socket.on("data", (part: Buffer) => {
      answer += part.toString("latin1");
      if (differs(answer, step) === undefined) resolve();
    });
    socket.once("error", reject).once("end", resolve);
  });
  try {
    // latin1, so that a sample can spell the bytes of a binary protocol
    socket.write(step.tcp, "latin1");
    await within(10_000, complete);
  } catch (error) {
    if (answer === "") throw error;
  } finally {
    socket.destroy();
  }
  if (answer === "") throw new Error("the connection ended without an answer");
  return answer;
}
