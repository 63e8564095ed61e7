#!/bin/sh
# Starts PostgreSQL as the official image does: creates the database in an empty volume first.
set -e
bin=$(echo /usr/lib/postgresql/*/bin)
install -d -o postgres -g postgres -m 700 "$PGDATA"
as_owner() { setpriv --reuid postgres --regid postgres --init-groups "$@"; }
if [ ! -s "$PGDATA/PG_VERSION" ]; then
  as_owner "$bin/initdb" --username "$POSTGRES_USER" --auth "$POSTGRES_HOST_AUTH_METHOD" --encoding UTF8
  echo "host all all all $POSTGRES_HOST_AUTH_METHOD" >>"$PGDATA/pg_hba.conf"
  as_owner "$bin/pg_ctl" -w -o "-c listen_addresses= -k /tmp" start
  [ "$POSTGRES_DB" = postgres ] || as_owner "$bin/createdb" -h /tmp -U "$POSTGRES_USER" "$POSTGRES_DB"
  as_owner "$bin/pg_ctl" -w -m fast stop
fi
exec setpriv --reuid postgres --regid postgres --init-groups "$bin/postgres" -c 'listen_addresses=*' -k /tmp
