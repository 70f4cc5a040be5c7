import { once } from "node:events";
import { connect } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { listen, serverLimits } from "./server.ts";

const here = { host: "127.0.0.1", port: 0 };

/** Node 20 has no Promise.withResolvers. */
function deferred<T>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}

/** An app whose answer comes when the test lets it. */
function slowApp() {
  const asked = deferred<void>();
  const answer = deferred<Response>();
  const app = {
    fetch: async () => {
      asked.resolve();
      return await answer.promise;
    },
  };
  return { app, asked: asked.promise, answer: answer.resolve };
}

describe("a server", () => {
  it("says where it listens, and answers there", async () => {
    const server = await listen({ fetch: (request) => new Response(new URL(request.url).pathname) }, here);
    expect(await (await fetch(`${server.url}/livez`)).text()).toBe("/livez");
    await server.stop(1000);
  });

  it("names the address that it cannot have", async () => {
    const first = await listen({ fetch: () => new Response() }, here);
    const second = listen({ fetch: () => new Response() }, { ...here, port: first.port });
    await expect(second).rejects.toMatchObject({
      code: "config.invalid",
      message: expect.stringContaining(`127.0.0.1:${first.port}`),
    });
    await first.stop(1000);
  });

  it("lets a request at work end, and takes no new connection meanwhile", async () => {
    const { app, asked, answer } = slowApp();
    const server = await listen(app, here);
    const first = fetch(server.url);
    await asked;
    const stopped = server.stop(30_000);
    await expect(fetch(server.url)).rejects.toThrow();
    answer(new Response("done"));
    expect(await (await first).text()).toBe("done");
    expect(await stopped).toBe(0); // though the client would have kept its connection
  });

  it("cuts off what does not end in time", async () => {
    const { app, asked } = slowApp();
    const server = await listen(app, here);
    const first = fetch(server.url);
    const failed = expect(first).rejects.toThrow();
    await asked;
    expect(await server.stop(50)).toBe(1);
    await failed;
  });

  it("does not wait for headers that never end", async () => {
    const server = await listen({ fetch: () => new Response() }, here, { ...serverLimits, headersMs: 300 });
    const socket = connect(server.port, "127.0.0.1");
    socket.write("GET / HTTP/1.1\r\nhost: x\r\n");
    const answered = once(socket, "data");
    const bound = delay(10_000).then(() => "nothing");
    expect(String(await Promise.race([answered, bound]))).toContain("408");
    socket.destroy();
    await server.stop(1000);
  });

  it("refuses headers that are longer than its limit", async () => {
    const server = await listen({ fetch: () => new Response() }, here);
    const { status } = await fetch(server.url, { headers: { "x-long": "x".repeat(20 << 10) } });
    expect(status).toBe(431);
    await server.stop(1000);
  });
});
