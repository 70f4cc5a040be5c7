import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  familiarReference,
  fullReference,
  isImageId,
  parseReference,
  repositoryOf,
  slimTag,
  withDefaultTag,
} from "./reference.ts";

const hex = "0123456789abcdef".repeat(4);
const digest = `sha256:${hex}`;

/** Text, normalised form, short form. */
const valid: [string, string, string][] = [
  ["nginx", "docker.io/library/nginx", "nginx"],
  ["nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27"],
  ["nginx:latest", "docker.io/library/nginx:latest", "nginx:latest"],
  ["library/nginx", "docker.io/library/nginx", "nginx"],
  ["docker.io/nginx", "docker.io/library/nginx", "nginx"],
  ["docker.io/library/nginx:1", "docker.io/library/nginx:1", "nginx:1"],
  ["index.docker.io/nginx", "docker.io/library/nginx", "nginx"],
  ["index.docker.io/library/nginx", "docker.io/library/nginx", "nginx"],
  ["me/app", "docker.io/me/app", "me/app"],
  ["docker.io/me/app", "docker.io/me/app", "me/app"],
  ["me/app/part", "docker.io/me/app/part", "me/app/part"],
  ["library/me/app", "docker.io/library/me/app", "library/me/app"],
  ["localhost/app", "localhost/app", "localhost/app"],
  ["localhost:5000/app:1", "localhost:5000/app:1", "localhost:5000/app:1"],
  ["registry:5000/app", "registry:5000/app", "registry:5000/app"],
  ["registry.example/app", "registry.example/app", "registry.example/app"],
  ["registry.example:443/a/b/c:v1.0", "registry.example:443/a/b/c:v1.0", "registry.example:443/a/b/c:v1.0"],
  ["Registry/app", "Registry/app", "Registry/app"],
  ["REGISTRY.example/app", "REGISTRY.example/app", "REGISTRY.example/app"],
  ["127.0.0.1/app", "127.0.0.1/app", "127.0.0.1/app"],
  ["127.0.0.1:5000/app", "127.0.0.1:5000/app", "127.0.0.1:5000/app"],
  ["[::1]/app", "[::1]/app", "[::1]/app"],
  ["[2001:db8::1]:5000/app:1", "[2001:db8::1]:5000/app:1", "[2001:db8::1]:5000/app:1"],
  ["xn--n3h.example/app", "xn--n3h.example/app", "xn--n3h.example/app"],
  ["a.b-c.example/app", "a.b-c.example/app", "a.b-c.example/app"],
  ["a", "docker.io/library/a", "a"],
  ["1", "docker.io/library/1", "1"],
  ["a:1", "docker.io/library/a:1", "a:1"],
  ["app_one", "docker.io/library/app_one", "app_one"],
  ["app__one", "docker.io/library/app__one", "app__one"],
  ["app.one", "docker.io/library/app.one", "app.one"],
  ["app-one", "docker.io/library/app-one", "app-one"],
  ["app---one", "docker.io/library/app---one", "app---one"],
  ["app:UPPER", "docker.io/library/app:UPPER", "app:UPPER"],
  ["app:_under", "docker.io/library/app:_under", "app:_under"],
  ["app:1.2.3-rc.1_x", "docker.io/library/app:1.2.3-rc.1_x", "app:1.2.3-rc.1_x"],
  [`app:${"t".repeat(128)}`, `docker.io/library/app:${"t".repeat(128)}`, `app:${"t".repeat(128)}`],
  [`app@${digest}`, `docker.io/library/app@${digest}`, `app@${digest}`],
  [`app:1@${digest}`, `docker.io/library/app:1@${digest}`, `app:1@${digest}`],
  [`registry:5000/app@${digest}`, `registry:5000/app@${digest}`, `registry:5000/app@${digest}`],
  [`app@sha512:${hex}${hex}`, `docker.io/library/app@sha512:${hex}${hex}`, `app@sha512:${hex}${hex}`],
  [`app@tarsum.v1+sha256:${hex}`, `docker.io/library/app@tarsum.v1+sha256:${hex}`, `app@tarsum.v1+sha256:${hex}`],
  [hex.slice(0, 12), `docker.io/library/${hex.slice(0, 12)}`, hex.slice(0, 12)],
  [hex.slice(0, 63), `docker.io/library/${hex.slice(0, 63)}`, hex.slice(0, 63)],
  ["sha256:abc", "docker.io/library/sha256:abc", "sha256:abc"],
  [`${"a".repeat(237)}`, `docker.io/library/${"a".repeat(237)}`, "a".repeat(237)],
];

const invalid = [
  "",
  " ",
  "nginx ",
  " nginx",
  "Nginx",
  "nginX:1",
  "me/App",
  "registry.example/App",
  ":1",
  "nginx:",
  "nginx:-x",
  "nginx:.x",
  "nginx:a/b",
  "nginx:a b",
  `nginx:${"t".repeat(129)}`,
  "nginx::1",
  "nginx:1:2",
  "/nginx",
  "nginx/",
  "a//b",
  "-nginx",
  "nginx-",
  "_nginx",
  "nginx_",
  ".nginx",
  "nginx.",
  "a..b",
  "a___b",
  "a._b",
  "a_b.c-d/e", // the dot makes it a domain, the underscore a malformed one
  "-registry.example/app",
  "registry-.example/app",
  "registry..example/app",
  "registry:port/app",
  "registry:/app",
  "[::1/app",
  "[::g]/app",
  "http://registry/app",
  "nginx@",
  "nginx@sha256",
  "nginx@sha256:",
  "nginx@sha256:abc",
  `nginx@sha256:${hex.toUpperCase()}`,
  `nginx@sha256:${hex}0`,
  `nginx@${digest}@${digest}`,
  `@${digest}`,
  `nginx@sha256:${"g".repeat(64)}`,
  digest,
  hex,
  "ngïnx",
  "nginx\n",
  "nginx\0",
  "a".repeat(250),
  `${"a/".repeat(130)}b`,
];

describe("a reference", () => {
  test.each(valid)("%s", (text, full, familiar) => {
    const reference = parseReference(text);
    expect(fullReference(reference)).toBe(full);
    expect(familiarReference(reference)).toBe(familiar);
    expect(parseReference(full)).toEqual(reference);
    expect(parseReference(familiar)).toEqual(reference);
  });

  test.each(invalid)("%j is refused", (text) => {
    expect(() => parseReference(text)).toThrow(expect.objectContaining({ code: "request.invalid" }));
  });

  test("its parts are told apart", () => {
    expect(parseReference(`registry:5000/a/b:1@${digest}`)).toEqual({
      domain: "registry:5000",
      path: "a/b",
      tag: "1",
      digest,
    });
    expect(parseReference("nginx")).toEqual({ domain: "docker.io", path: "library/nginx" });
  });

  test("without tag and digest it means latest", () => {
    expect(withDefaultTag(parseReference("nginx")).tag).toBe("latest");
    expect(withDefaultTag(parseReference(`nginx@${digest}`)).tag).toBeUndefined();
  });

  test("the message of a refusal holds no control characters and is short", () => {
    const hostile = `\u001b[31m${"x".repeat(5000)}\n`;
    expect(() => parseReference(hostile)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^[\x20-\x7e]{1,500}$/) }),
    );
  });
});

describe("any reference", () => {
  const component = fc.stringMatching(/^[a-z0-9]{1,8}((\.|_|__|-{1,3})[a-z0-9]{1,5}){0,2}$/);
  const label = fc.stringMatching(/^[a-z0-9]([a-z0-9-]{0,5}[a-z0-9])?$/);
  const domain = fc
    .tuple(label, fc.array(label, { minLength: 1, maxLength: 3 }), fc.option(fc.integer({ min: 1, max: 65535 })))
    .map(([first, rest, port]) => [first, ...rest].join(".") + (port === null ? "" : `:${port}`))
    .filter((name) => name !== "docker.io" && name !== "index.docker.io");
  const reference = fc.record(
    {
      domain: fc.oneof(fc.constant("docker.io"), fc.constant("localhost"), domain),
      path: fc.array(component, { minLength: 2, maxLength: 4 }).map((parts) => parts.join("/")),
      tag: fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}$/),
      digest: fc.constant(digest),
    },
    { requiredKeys: ["domain", "path"] },
  );

  test("survives the way through its full form", () => {
    fc.assert(
      fc.property(reference, (parts) => {
        expect(parseReference(fullReference(parts))).toEqual(parts);
      }),
      { numRuns: 2000 },
    );
  });

  test("survives the way through its short form unless its first part reads as a domain", () => {
    fc.assert(
      fc.property(reference, (parts) => {
        fc.pre(parts.domain !== "docker.io" || !/^(localhost|[^/]*[.:][^/]*)\//.test(parts.path));
        expect(parseReference(familiarReference(parts))).toEqual(parts);
      }),
      { numRuns: 2000 },
    );
  });

  test("is refused or normalised to something stable, in linear time", () => {
    const text = fc.oneof(fc.string({ maxLength: 60 }), fc.stringMatching(/^[a-zA-Z0-9.:/@_[\]-]{0,60}$/));
    fc.assert(
      fc.property(text, (given) => {
        let full: string;
        try {
          full = fullReference(parseReference(given));
        } catch {
          return;
        }
        expect(fullReference(parseReference(full))).toBe(full);
      }),
      { numRuns: 10_000 },
    );
    const startedAt = performance.now();
    for (const hostile of ["a-".repeat(50_000), "a.".repeat(50_000), `a/${"_".repeat(100_000)}`, "a".repeat(100_000)]) {
      expect(() => parseReference(hostile)).toThrow();
    }
    expect(performance.now() - startedAt).toBeLessThan(30_000);
  });
});

test.each([
  ["nginx:1.27", "nginx.slim:1.27"],
  ["nginx", "nginx.slim"],
  ["docker.io/library/nginx:1.27", "nginx.slim:1.27"],
  ["me/app:v1", "me/app.slim:v1"],
  ["registry:5000/team/app:v1", "registry:5000/team/app.slim:v1"],
  ["localhost/app", "localhost/app.slim"],
  [`nginx@${digest}`, "nginx.slim:0123456789ab"],
  [`nginx:1.27@${digest}`, "nginx.slim:1.27"],
  [digest, "image.slim:0123456789ab"],
  [hex, "image.slim:0123456789ab"],
  ["0123456789ab", "0123456789ab.slim"],
])("the slim image of %s is %s", (given, slim) => {
  expect(slimTag(given)).toBe(slim);
});

test("an id of an image is 64 digits, nothing shorter", () => {
  expect([digest, hex, hex.slice(1), `sha512:${hex}`, "nginx"].map(isImageId)).toEqual([
    true,
    true,
    false,
    false,
    false,
  ]);
});

test.each([
  ["nginx:1.27", "docker.io/library/nginx"],
  [`me/app@${digest}`, "docker.io/me/app"],
  ["registry:5000/team/app:v1", "registry:5000/team/app"],
  [digest, "image:0123456789ab"],
  [hex, "image:0123456789ab"],
  ["No Reference", "No Reference"],
])("the repository of %s is %s", (given, repository) => {
  expect(repositoryOf(given)).toBe(repository);
});
