import { expect, test } from "vitest";
import { redactBody, redactResource } from "./redact.ts";

const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl";

test.each([
  ["/a?q=1&page=2", "/a?q=1&page=2"],
  ["/a?token=abc&q=%20x", "/a?token=redacted&q=%20x"],
  ["/a?user%5Bpassword%5D=x&flag", "/a?user%5Bpassword%5D=redacted&flag"],
  ["/a;jsessionid=12AB/b?x", "/a;jsessionid=redacted/b?x"],
  [`/reset/${jwt}`, "/reset/redacted"],
  ["/books?author=ada&keyword=key", "/books?author=ada&keyword=key"],
  ["/a?api-key=1&X-Amz-Signature=2", "/a?api-key=redacted&X-Amz-Signature=redacted"],
])("%s is recorded as %s", (resource, recorded) => {
  expect(redactResource(resource)).toBe(recorded);
});

test("a multipart body keeps its fields but for the secret ones", () => {
  const part = (name: string, value: string) =>
    `--X\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;
  const body = (password: string) => `${part("user", "ada")}${part("password", password)}--X--\r\n`;
  expect(redactBody(body("straw"), "multipart/form-data; boundary=X")).toBe(body("redacted"));
});

test("what says that it is JSON and is none is not recorded at all", () => {
  expect(redactBody('{"password": "x"', "application/json")).toBe("redacted");
  expect(redactBody(`token ${jwt}`, "text/plain")).toBe("token redacted");
});
