"use strict";
// Asks a TLS server of its own, and verifies it against the system's certificate store: the store holds the authority
// that the build put there, and NODE_OPTIONS makes Node look in it.
const fs = require("node:fs");
const https = require("node:https");
const tls = require("node:tls");

const server = https.createServer(
  { key: fs.readFileSync("/etc/sample/tls/key.pem"), cert: fs.readFileSync("/etc/sample/tls/cert.pem") },
  (_request, response) => response.end("over tls"),
);

exports.selfRequest = () =>
  new Promise((resolve, reject) => {
    server.once("error", reject).listen(0, "127.0.0.1", () => {
      const { port } = server.address();
      const request = https.get({ host: "127.0.0.1", port, servername: "sample.test", agent: false }, (response) => {
        const { authorized } = response.socket;
        const cipher = response.socket.getCipher().name;
        let body = "";
        response.setEncoding("utf8").on("data", (part) => { body += part; });
        response.on("end", () => {
          server.close();
          resolve({ body, authorized, modern: tls.getCiphers().includes(cipher.toLowerCase()), roots: roots() });
        });
      });
      request.on("error", (error) => { server.close(); reject(error); });
    });
  });

const roots = () =>
  fs.readFileSync("/etc/ssl/certs/ca-certificates.crt", "utf8").split("BEGIN CERTIFICATE").length - 1 > 100;
