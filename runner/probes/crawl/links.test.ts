import { describe, expect, test } from "vitest";
import { referencesIn } from "./links.ts";

const of = (text: string, type = "text/html; charset=utf-8") => referencesIn(Buffer.from(text), type).references;

describe("the references of a page", () => {
  test("are its links, scripts, styles, images and frames in their order, each once", () => {
    const page = `<!doctype html><link rel=stylesheet href=/a.css><link rel="preconnect" href="//cdn"><script src="b.js"></script>
      <a href="/c?x=1&amp;y=2">c</a><a href="/c?x=1&amp;y=2">again</a><img data-src=d.png><iframe src=e></iframe>
      <video poster=f.jpg><source src=g.mp4></video><object data=h.pdf></object><svg><use xlink:href="/i.svg#x"/></svg>`;
    const found = ["/a.css", "b.js", "/c?x=1&y=2", "d.png", "e", "f.jpg", "g.mp4", "h.pdf", "/i.svg#x"];
    expect(of(page)).toEqual(found);
  });

  test.each([
    ["a.png 1x, b.png 2x", ["a.png", "b.png"]],
    ["a.png 1x,b.png 2x", ["a.png", "b.png"]],
    ["a,b.png 100w, c.png", ["a,b.png", "c.png"]],
    ["a.png, b.png", ["a.png", "b.png"]],
    ["a.png 1x , b.png 2x", ["a.png", "b.png"]],
  ])("are the candidates of srcset %j", (set, found) => {
    expect(of(`<img srcset="${set}">`)).toEqual(found);
  });

  test("are what its styles name, inline, in elements and imported", () => {
    const page = `<style>@import "a.css"; body { background: url( 'b.png' ) } p { src: url(c.woff2) }</style>
      <p style="background: url(&quot;d.png&quot;)">url(not-a-style.png)</p>`;
    expect(of(page)).toEqual(["a.css", "b.png", "c.woff2", "d.png"]);
  });

  test("are where it sends its reader, and what it is relative to", () => {
    const page = `<base href="/docs/"><meta http-equiv=refresh content="3; url='next.html'">`;
    expect(referencesIn(Buffer.from(page), "text/html")).toEqual({ references: ["next.html"], base: "/docs/" });
  });

  test("are its forms with GET, filled with what is preset or plausible, and no others", () => {
    const page = `<form action="/find?old=1"><input name=q><input type=hidden name=h value="1 2"><input type=checkbox name=c checked>
        <input type=checkbox name=u><select name=s><option value=a><option value=b selected><option value=c></select>
        <input type=password name=p><textarea name=t></textarea><input type=number name=n><button name=go value=1></form>
      <form method=POST action=/save><input name=x></form><form><input name=y value=z></form>`;
    expect(of(page)).toEqual(["/find?q=a&h=1+2&c=on&s=b&t=a&n=1", "?y=z"]);
  });

  test("are found in pages that are cut off or not valid", () => {
    expect(of('<a href="/a"><form action=/f><a href=/b><input name=i value=1')).toEqual(["/a", "/b", "/f?"]);
    expect(of("<a href='/x' href='/y'><<img src=/z")).toEqual(["/x"]);
  });
});

describe("the references of other documents", () => {
  test("are imports and images of CSS", () => {
    expect(of("@import 'a.css'; @import url(b.css); i { background: URL(c.png) }", "text/css")).toEqual([
      "a.css",
      "b.css",
      "c.png",
    ]);
  });

  test("are relative modules of JavaScript", () => {
    const script = `import a from "./a.js"; import("../b.js"); export*from'/c.js'; import d from "lodash"; x = "./e.js"`;
    expect(of(script, "text/javascript")).toEqual(["./a.js", "../b.js", "/c.js"]);
  });

  test("are the pages of a site map", () => {
    expect(of("<urlset><url><loc> http://localhost/a?b&amp;c </loc></url></urlset>", "application/xml")).toEqual([
      "http://localhost/a?b&c",
    ]);
  });

  test("are none of data and of what has no type", () => {
    expect(of('{"a": "<a href=/x>"}', "application/json")).toEqual([]);
    expect(referencesIn(Buffer.from("<a href=/x>"), null).references).toEqual([]);
  });

  test("are bounded, however many there are", () => {
    expect(of("url(a)".repeat(600_000), "text/css")).toEqual(["a"]);
    expect(of(Array.from({ length: 9000 }, (_, n) => `<a href=/${n}>`).join(""))).toHaveLength(5000);
    expect(of(`<img srcset="${"a,".repeat(500_000)}">`)).toHaveLength(1);
  });
});
