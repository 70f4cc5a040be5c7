// Asks a TLS server of its own with a certificate that only this file trusts, and once without.
import { readFileSync } from "node:fs";
import https from "node:https";

const key = readFileSync(new URL("tls/key.pem", import.meta.url));
const cert = readFileSync(new URL("tls/cert.pem", import.meta.url));

export async function selfRequest() {
  const server = https.createServer({ key, cert }, (_request, response) => response.end("over tls"));
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const get = (options) =>
    new Promise((resolve) => {
      const { port } = server.address();
      https
        .get({ host: "127.0.0.1", port, servername: "sample.test", agent: false, ...options }, async (response) => {
          let body = "";
          for await (const part of response) body += part;
          resolve(body);
        })
        .once("error", (error) => resolve(error.code));
    });
  try {
    return { trusted: await get({ ca: cert }), untrusted: await get({}) };
  } finally {
    server.close();
  }
}
