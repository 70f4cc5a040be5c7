import { expect, test } from "vitest";
import { disposable } from "./clean-up.ts";

test.each([
  ["/usr/share/doc/bash/README.gz", "doc"],
  ["/usr/share/info/sed.info.gz", "doc"],
  ["/usr/share/man/man1/ls.1.gz", "man"],
  ["/usr/local/share/man/de/man1/node.1", "man"],
  ["/usr/share/locale/de/LC_MESSAGES/bash.mo", "locale"],
  ["/var/lib/apt/lists/deb.example.org_dists_stable_InRelease", "cache"],
  ["/var/cache/apt/pkgcache.bin", "cache"],
  ["/var/cache/debconf/templates.dat-old", "cache"],
  ["/root/.cache/pip/http/a/b", "cache"],
  ["/home/app/.npm/_cacache/index-v5/00/11", "cache"],
  ["/data/.cache/go-build/00/x", "cache"],
  ["/usr/lib/python3.11/site-packages/pip/_internal/__pycache__/main.cpython-311.pyc", "cache"],
])("%s is taken away as %s", (path, what) => {
  expect(disposable(path, ["HOME=/data"])).toBe(what);
});

test.each([
  "/usr/share/doc/bash/copyright",
  "/usr/share/doc/libfoo/LICENSE.txt",
  "/usr/share/icons/hicolor/index.theme",
  "/usr/share/bash-completion/completions/git",
  "/usr/share/zsh/functions/compinit",
  "/usr/share/locale/locale.alias",
  "/usr/share/locale/fr/LC_MESSAGES/bash.mo",
  "/usr/lib/locale/C.utf8/LC_CTYPE",
  "/usr/share/zoneinfo/Europe/Paris",
  "/usr/include/stdio.h",
  "/usr/lib/libfoo.a",
  "/etc/init.d/cron",
  "/var/lib/dpkg/status",
  "/var/cache/debconf/config.dat",
  "/root/.cache/huggingface/model.bin",
  "/srv/doc/index.html",
  "/usr/lib/python3.11/site-packages/flask/__pycache__/app.cpython-311.pyc",
  "/usr/lib/python3.11/site-packages/pip/_internal/main.py",
])("%s stays", (path) => {
  expect(disposable(path, ["LANG=fr_FR.UTF-8"])).toBeUndefined();
});
