#!/bin/sh
# The usual start script: fills in a configuration from the environment, prepares folders, then becomes the server.
set -eu

: "${GREETING:=Hello}"
here=$(dirname "$(readlink -f "$0")")
work=${WORK_DIR:-/var/lib/sample}

mkdir -p "$work/public"
for template in "$here"/templates/*.tmpl; do
  name=$(basename "$template" .tmpl)
  sed -e "s|@GREETING@|$GREETING|g" -e "s|@HOST@|$(hostname | tr -d '\n' | wc -c | tr -d ' ')|g" "$template" >"$work/public/$name"
done
date -u -d "@${SOURCE_EPOCH:-86400}" '+%A %d %B %Y' >"$work/public/built.txt"
printf '%s\n' one two three | sort | head -n 2 | awk '{ print NR ": " toupper($0) }' >"$work/public/list.txt"
find "$work/public" -type f | xargs -n1 basename | sort >"$work/names"
mv "$work/names" "$work/public/index.txt"

case ${1:-serve} in
  serve) exec python3 "$here/serve.py" "$work/public" ;;
  env) exec env ;;
  *) exec "$@" ;;
esac
