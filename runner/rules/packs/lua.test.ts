import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { lua, luaRequires } from "./lua.ts";
import { aPackContext, keptBy } from "./pack.builder.ts";

describe("luaRequires", () => {
  it.each([
    [`local a = require "a.b"`, ["a.b"]],
    ["local ok, b = pcall(require, 'b')", ["b"]],
    ["require('a') require [[c]] require( \"a\" )", ["a", "c"]],
    ["-- require 'no'\n--[[ require 'no'\nrequire 'no' ]] require 'yes'", ["yes"]],
    ["local m = require(name) ; requires('x') ; my.required = 'y'", []],
  ])("reads %j", (text, expected) => {
    expect(luaRequires(text)).toEqual(expected);
  });

  it("never fails, and takes little time for hostile text", () => {
    fc.assert(fc.property(fc.string({ unit: "binary", maxLength: 300 }), (text) => void luaRequires(text)));
    for (const part of ["--[[", "require ", "require (", "-"])
      expect(luaRequires(part.repeat(100_000 / part.length))).toEqual([]);
  }, 10_000);
});

const share = "/usr/share/lua/5.4";
const native = "/usr/lib/x86_64-linux-gnu/lua/5.4";
const tree = {
  "/usr/bin/lua": "-> /etc/alternatives/lua",
  "/etc/alternatives/lua": "-> /usr/bin/lua5.4",
  "/usr/bin/lua5.4": Buffer.from("elf"),
  "/app/server.lua": 'require "socket"\nlocal function late() return require("cjson"), require "lib.greet" end',
  "/app/lib/greet.lua": 'require "penlight"',
  [`${share}/socket.lua`]: 'require "socket.core"\nrequire "ltn12"',
  [`${share}/socket/url.lua`]: "",
  [`${share}/ltn12.lua`]: "-> ../5.1/ltn12.lua",
  [`${share}/penlight/init.lua`]: "",
  [`${native}/socket/core.so`]: "elf",
  [`${native}/cjson.so`]: "-> ../../liblua5.4-cjson.so.0",
  "/usr/lib/x86_64-linux-gnu/liblua5.4-cjson.so.0": "elf",
  "/usr/share/lua/5.1/ltn12.lua": 'require "mime"',
  "/usr/share/lua/5.1/mime.lua": "",
  [`${share}/mime.lua`]: "-> ../5.1/mime.lua",
  "/opt/more/own.lua": 'require "lfs.core"',
  "/opt/more/lfs.so": "elf",
};
const kept = (used: string[], given: Parameters<typeof aPackContext>[1] = {}) =>
  keptBy(lua, aPackContext(tree, { application: ["/app"], workdir: "/app", processes, ...given }), used);
const processes = [{ exe: "/usr/bin/lua5.4", argv: ["lua", "server.lua"] }];

describe("lua", () => {
  it("follows what the application requires, also in a function, to modules of this version, through links", () => {
    expect(kept(["/app/server.lua"])).toEqual([
      "/app/lib/greet.lua",
      "/usr/lib/x86_64-linux-gnu/liblua5.4-cjson.so.0",
      `${native}/cjson.so`,
      `${native}/socket/core.so`,
      "/usr/share/lua/5.1/ltn12.lua",
      "/usr/share/lua/5.1/mime.lua",
      `${share}/ltn12.lua`,
      `${share}/mime.lua`,
      `${share}/penlight/init.lua`,
      `${share}/socket.lua`,
    ]);
  });

  it("looks where ENV says, and takes a part of a native module for the whole", () => {
    const env = ["LUA_PATH_5_4=/opt/more/?.lua;;", "LUA_CPATH=/opt/more/?.so"];
    const context = aPackContext({ ...tree, "/app/a.lua": 'require "own"' }, { application: ["/app"], env, processes });
    expect(keptBy(lua, context, ["/app/a.lua"])).toEqual(["/opt/more/lfs.so", "/opt/more/own.lua"]);
  });

  it("takes LuaJIT for 5.1, also as a library of a server", () => {
    const library = "/usr/lib/x86_64-linux-gnu/libluajit-5.1.so.2";
    const more = { ...tree, [library]: "elf", "/app/b.lua": 'require "ltn12"' };
    const context = aPackContext(more, { application: ["/app"], seen: [library] });
    expect(keptBy(lua, context, ["/app/b.lua"])).toEqual([
      "/usr/share/lua/5.1/ltn12.lua",
      "/usr/share/lua/5.1/mime.lua",
    ]);
  });

  it("keeps nothing where no Lua ran, for other files, and for modules that nobody asked for", () => {
    expect(kept(["/app/server.lua"], { processes: [] })).toEqual([]);
    expect(kept(["/opt/more/own.lua"])).toEqual([]);
  });
});
