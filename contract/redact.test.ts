import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { JobRequest } from "./job.ts";
import { isSecretName, pieceRedactor, redactRequest, redactText, secretsOf } from "./redact.ts";

const request = (change: object): JobRequest => JobRequest.parse({ image: "web:1", ...change });

describe("the names of secrets", () => {
  it.each([
    "PASSWORD",
    "DB_PASS",
    "PGPASSWORD",
    "MYSQL_ROOT_PASSWORD",
    "DB_PWD",
    "SECRET_KEY_BASE",
    "clientSecret",
    "GITHUB_TOKEN",
    "API_KEY",
    "APIKEY",
    "AWS_SECRET_ACCESS_KEY",
    "CREDENTIALS",
    "AUTH",
    "SENTRY_DSN",
    "JWT",
    "accessKey",
  ])("%s is one", (name) => {
    expect(isSecretName(name)).toBe(true);
  });
  it.each([
    "PATH",
    "PWD",
    "HOME",
    "KEYBOARD",
    "MONKEY",
    "PASSIVE_PORTS",
    "AUTHOR",
    "POSTGRES_PASSWORD_FILE",
    "POSTGRES_HOST_AUTH_METHOD",
    "TOKENIZERS_PARALLELISM",
    "TLS_KEY_PATH",
    "LANG",
  ])("%s is none", (name) => {
    expect(isSecretName(name)).toBe(false);
  });
});

const everywhere = request({
  scenarios: [
    {
      env: ["DB_PASSWORD=hunter2secret", "DATABASE_URL=postgres://web:p%40ssw0rd@db/web", "LANG=C", "PIN_TOKEN=123"],
      cmd: ["serve", "--admin-token=abcdef0123", "--verbose=yes"],
      stdin: "hunter2secret\n",
      probes: [
        {
          kind: "http",
          resource: "/login?token=querytoken1&page=2",
          headers: [
            ["Authorization", "Bearer headertoken1"],
            ["Cookie", "sid=cookiecrumb; lang=en"],
            ["Accept", "text/html"],
          ],
          username: "anna",
          password: "probe-password",
          body: '{"password":"probe-password"}',
        },
        { kind: "exec", argv: ["curl", "-H", "X-Api-Key: execheader1", "http://a:urlpass99@localhost/"] },
        { kind: "tcp", send: "AUTH hunter2secret\r\n" },
      ],
    },
  ],
  output: { env: ["SESSION_SECRET=outputsecret"], labels: ["app.token=labeltoken1", "app.name=web"] },
});

const all = [
  "hunter2secret",
  "p@ssw0rd",
  "abcdef0123",
  "querytoken1",
  "headertoken1",
  "cookiecrumb",
  "probe-password",
  "execheader1",
  "urlpass99",
  "outputsecret",
  "labeltoken1",
  Buffer.from("anna:probe-password").toString("base64"),
];

describe("a request with secrets", () => {
  it("has them found wherever they stand", () => {
    expect(secretsOf(everywhere)).toEqual(expect.arrayContaining(all));
    expect(secretsOf(everywhere)).not.toContain("yes");
  });

  it("is shown without any of them, and valid", () => {
    const shown = redactRequest(everywhere);
    const text = JSON.stringify(shown);
    for (const secret of all) expect(text).not.toContain(secret);
    expect(JobRequest.parse(shown)).toEqual(shown);
    expect(shown.scenarios[0]?.env).toEqual([
      "DB_PASSWORD=[redacted]",
      "DATABASE_URL=postgres://web:[redacted]@db/web",
      "LANG=C",
      "PIN_TOKEN=[redacted]",
    ]);
    expect(shown.scenarios[0]?.cmd).toEqual(["serve", "--admin-token=[redacted]", "--verbose=yes"]);
    expect(shown.scenarios[0]?.probes[0]).toMatchObject({
      resource: "/login?token=[redacted]&page=2",
      headers: [
        ["Authorization", "[redacted]"],
        ["Cookie", "[redacted]"],
        ["Accept", "text/html"],
      ],
      username: "anna",
      password: "[redacted]",
    });
  });

  it("stays what it is when it is redacted again", () => {
    const shown = redactRequest(everywhere);
    expect(redactRequest(shown)).toEqual(shown);
    expect(secretsOf(shown)).toEqual([]);
  });

  it("stays valid whatever the secrets are", () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), fc.string({ minLength: 1 }), (one, other) => {
        const value = one.replaceAll("\0", "");
        const shown = redactRequest(
          request({
            scenarios: [
              {
                env: [`A_TOKEN=${value}`, `B=${value}`],
                cmd: [value, other],
                probes: [{ kind: "http", resource: `/${value}`, password: value, headers: [["cookie", other]] }],
              },
            ],
          }),
        );
        expect(JobRequest.parse(shown)).toEqual(shown);
      }),
    );
  });
});

it("a request without secrets is shown as it is", () => {
  const plain = request({ scenarios: [{ env: ["LANG=C"], probes: [{ kind: "http", resource: "/" }] }] });
  expect(secretsOf(plain)).toEqual([]);
  expect(redactRequest(plain)).toEqual(plain);
});

describe("free text", () => {
  it("loses a secret also as JSON and addresses write it", () => {
    const secret = 'two"words & more';
    const text = `${secret} ${JSON.stringify(secret)} ${encodeURIComponent(secret)}`;
    expect(redactText(text, [secret])).toBe('[redacted] "[redacted]" [redacted]');
  });

  it("keeps what is too short to be told from anything else", () => {
    expect(redactText("12345 is a number", ["12345"])).toBe("12345 is a number");
  });

  it("loses the longer one of two secrets that begin alike", () => {
    expect(redactText("secret-one-more", ["secret-one", "secret-one-more"])).toBe("[redacted]");
  });
});

describe("text in pieces", () => {
  const bytes = (text: string) => Buffer.from(text).toString("latin1");

  it("loses a secret across a border", () => {
    const redactor = pieceRedactor(["hunter2secret"]);
    const out = redactor.push("log: hunter2") + redactor.push("sec") + redactor.push("ret end\n") + redactor.end();
    expect(out).toBe("log: [redacted] end\n");
  });

  it("reads the same however it is cut", () => {
    const word = fc.constantFrom("hunter2", "hunter2hunter", "überpasswort", " ", "h", "hunt", "ü", '"');
    const secrets = ["hunter2", "hunter2hunter", "überpasswort"];
    fc.assert(
      fc.property(fc.array(word, { maxLength: 30 }), fc.array(fc.nat(9), { maxLength: 60 }), (words, cuts) => {
        const text = words.join("");
        const redactor = pieceRedactor(secrets);
        let rest = bytes(text);
        let out = "";
        for (const cut of cuts) {
          out += redactor.push(rest.slice(0, cut));
          rest = rest.slice(cut);
        }
        out += redactor.push(rest) + redactor.end();
        expect(Buffer.from(out, "latin1").toString()).toBe(redactText(text, secrets));
      }),
    );
  });
});
