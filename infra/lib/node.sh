#!/usr/bin/env bash
# The steps that make node_modules and dist/ ready. Sourced by setup.sh.

check_node() {
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    fail "Node is missing" "Install Node 20.19 or newer with npm, from your distribution or the Node project."
  fi
  SETUP_NOTE=$(node --version)
  node -e 'const [a, b] = process.versions.node.split(".").map(Number); process.exit(a > 20 || (a === 20 && b >= 19) ? 0 : 1)' ||
    fail "Node $SETUP_NOTE is too old" "Install Node 20.19 or newer."
}

# npm writes node_modules/.package-lock.json last, so an install that was cut off never looks complete. Versions are
# compared, not times: a fresh clone's files are all new.
is_tree_installed() {
  node -e '
    const read = (file) => JSON.parse(require("fs").readFileSync(file, "utf8")).packages;
    const have = read("node_modules/.package-lock.json");
    const missing = Object.entries(read("package-lock.json"))
      .filter(([path, { optional, version }]) => path && !optional && have[path]?.version !== version);
    process.exit(missing.length ? 1 : 0);' 2>/dev/null
}

install_packages() {
  if is_tree_installed; then return; fi
  # Without install scripts: the one native part that we need is made below, from a cache where possible.
  # `npm ci` refuses a lock that was written where a registry lacks the optional binaries of other platforms; `install`
  # takes the same locked versions and leaves the lock as it is.
  timeout 900 npm ci --ignore-scripts --no-audit --no-fund ||
    timeout 900 npm install --no-save --ignore-scripts --no-audit --no-fund
  SETUP_NOTE="installed"
}

loads_sqlite() { node -e 'new (require("better-sqlite3"))(":memory:").close()'; }

# better-sqlite3 is a C++ addon. Its prebuilt form comes from a release page that many networks do not reach; then it
# is compiled against the headers of the Node that runs it, which beat a download of the same headers.
build_sqlite() {
  local package=node_modules/better-sqlite3 key cached prefix
  if loads_sqlite; then return; fi
  key=$(node -p '[require("./node_modules/better-sqlite3/package.json").version, process.platform, process.arch, process.versions.modules].join("-")')
  cached=$WINNOW_CACHE/native/better-sqlite3-$key.node
  if [ -s "$cached" ]; then
    mkdir -p $package/build/Release
    cp "$cached" $package/build/Release/better_sqlite3.node
    if loads_sqlite; then
      SETUP_NOTE="from the cache"
      return
    fi
  fi
  prefix=$(dirname "$(dirname "$(node -p process.execPath)")")
  [ ! -e "$prefix/include/node/node.h" ] || export npm_config_nodedir=$prefix
  (cd $package && timeout 120 npm run --silent install) || {
    need_packages gcc g++ make python3
    (cd $package && timeout 900 npm run --silent build-release)
  }
  loads_sqlite
  mkdir -p "${cached%/*}"
  cp $package/build/Release/better_sqlite3.node "$cached.new"
  mv "$cached.new" "$cached"
  SETUP_NOTE="built"
}

build_bundle() {
  if [ ! -e cli/main.ts ]; then
    SETUP_NOTE="no sources"
  elif is_stale dist/winnow.js contract api runner cli web test/bench package.json package-lock.json; then
    npm run --silent build
    SETUP_NOTE="built"
  fi
}
