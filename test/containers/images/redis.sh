#!/bin/sh
# Starts Redis as the official image does: options alone are options of redis-server; root becomes another user.
set -e
case "${1:-}" in -*) set -- redis-server "$@" ;; esac
if [ "$(id -u)" = 0 ]; then
  chown -R 999:999 .
  exec setpriv --reuid 999 --regid 999 --clear-groups "$@"
fi
exec "$@"
