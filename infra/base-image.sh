#!/usr/bin/env bash
# Makes the image that the samples build on, without an image registry: a minimal Debian from the mirror that this
# machine's own apt uses. The tarball is cached, so that an engine which lost its images gets it back in seconds.
# A user with a registry sets WINNOW_SAMPLE_BASE (debian:bookworm, say) and this script only pulls that.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/lib/common.sh"

suite=bookworm
image=winnow-sample-base:$suite
tarball=$WINNOW_CACHE/sample-base-$suite.tar

# Prints "URI SUITE COMPONENTS" for every enabled Debian source of this machine, one-line and deb822 form alike.
# Third-party sources are left out: they are known by a path that is neither debian nor debian-security.
apt_sources() {
  local file
  for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list; do
    [ -f "$file" ] && sed -nE 's/^deb[[:space:]]+(\[[^]]*\][[:space:]]+)?//p' "$file"
  done
  for file in /etc/apt/sources.list.d/*.sources; do
    [ -f "$file" ] && awk -v RS= '
      { types = uris = suites = components = ""; enabled = "yes"
        n = split($0, lines, "\n")
        for (i = 1; i <= n; i++) {
          key = tolower(lines[i]); sub(/:.*/, "", key); value = lines[i]; sub(/^[^:]*:[ \t]*/, "", value)
          if (key == "types") types = value; else if (key == "uris") uris = value
          else if (key == "suites") suites = value; else if (key == "components") components = value
          else if (key == "enabled") enabled = tolower(value)
        }
        if (types !~ /(^| )deb( |$)/ || enabled == "no") next
        nu = split(uris, u, " "); ns = split(suites, s, " ")
        for (a = 1; a <= nu; a++) for (b = 1; b <= ns; b++) print u[a], s[b], components
      }' "$file"
  done
  return 0
}

debian_sources() {
  apt_sources | awk -v suite="$suite" '$1 ~ /\/debian(-security)?\/?$/ && index($2, suite) == 1' | sort -u
}

make_tarball() {
  local root mirror
  mirror=$(debian_sources | awk -v suite="$suite" '$2 == suite { print $1; exit }')
  [ -n "$mirror" ] || fail "no Debian $suite mirror in /etc/apt" \
    "Set WINNOW_SAMPLE_BASE to an image that can be pulled, such as debian:$suite."
  [ "$(id -u)" = 0 ] || fail "debootstrap needs root" "Run as root once, or set WINNOW_SAMPLE_BASE."
  root=$(mktemp -d "$WINNOW_CACHE/debootstrap.XXXXXX")
  # shellcheck disable=SC2064 # the folder's name of now is meant
  trap "rm -rf --one-file-system '$root'" EXIT
  timeout 600 debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" "$mirror"
  debian_sources | sed 's/^/deb /' >"$root/etc/apt/sources.list"
  copy_apt_settings "$root"
  rm -rf "$root"/var/cache/apt/archives/*.deb "$root"/var/lib/apt/lists/* "$root"/var/log/*.log "$root"/debootstrap
  printf '#!/bin/sh\nexit 101\n' >"$root/usr/sbin/policy-rc.d"
  chmod 755 "$root/usr/sbin/policy-rc.d"
  tar -C "$root" --numeric-owner --xattrs -cf "$tarball.new" .
  mv "$tarball.new" "$tarball"
}

# How this machine's apt reaches its mirror (proxy, date checks) holds in a build on the same machine too. Certificates
# are not copied: a mirror behind an authority of this machine's own needs WINNOW_SAMPLE_BASE.
copy_apt_settings() {
  local root=$1
  apt-config dump | grep -E '^Acquire::(http|https|Check|ForceIPv4|Retries)' |
    grep -vE 'CAInfo|SslCert|SslKey' >"$root/etc/apt/apt.conf.d/90winnow" || true
  printf 'APT::Install-Recommends "false";\n' >>"$root/etc/apt/apt.conf.d/90winnow"
}

if [ -n "${WINNOW_SAMPLE_BASE:-}" ]; then
  docker image inspect "$WINNOW_SAMPLE_BASE" >/dev/null 2>&1 || docker pull "$WINNOW_SAMPLE_BASE"
  exit
fi
docker image inspect "$image" >/dev/null 2>&1 && exit
[ -s "$tarball" ] || make_tarball
docker import --change 'CMD ["/bin/bash"]' --change 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin' \
  --message "Debian $suite, minimal" "$tarball" "$image"
