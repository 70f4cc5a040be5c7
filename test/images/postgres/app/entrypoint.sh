#!/bin/bash
# Makes a database cluster on an empty volume, once, then becomes the server; all of it as the database's own user.
set -euo pipefail

if [ "$(id -u)" = 0 ]; then
  mkdir -p "$PGDATA" /run/postgresql
  chown postgres:postgres "$PGDATA" /run/postgresql
  chmod 0700 "$PGDATA"
  exec setpriv --reuid=postgres --regid=postgres --init-groups --inh-caps=-all "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
  echo "making a new cluster"
  initdb --username=postgres --auth-local=trust --auth-host=trust --encoding=UTF8 --locale=C.UTF-8 >/dev/null
  echo 'host all all all trust' >>"$PGDATA/pg_hba.conf"
  pg_ctl -w -o "-c listen_addresses=''" start >/dev/null
  for script in /etc/sample/init/*.sql; do psql -q -v ON_ERROR_STOP=1 -U postgres -f "$script"; done
  pg_ctl -w -m fast stop >/dev/null
fi
exec "$@"
