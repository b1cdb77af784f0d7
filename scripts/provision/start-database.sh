#!/bin/bash
# Starts PostgreSQL in a container of postgres:17, instead of the image's own entrypoint: that one takes a data folder which it was
# killed over for a whole one, and wants a password for the superuser. Here the superuser comes over the socket, and has none.
set -eu

# Of `docker compose run database psql …`
if [ $# -gt 0 ]; then exec "$@"; fi

# PostgreSQL looks whether the process of its lock file lives, and each container counts processes from one.
exec 9>"$PGDATA/lock"
flock --nonblock 9 || { echo "Another container runs PostgreSQL on this volume" >&2; exit 1; }

cluster=$PGDATA/cluster
if [ ! -d "$cluster" ]; then
  trap 'exit 130' INT TERM
  rm -rf "$PGDATA/new"
  # In the background: only then does a signal end the wait.
  initdb --pgdata="$PGDATA/new" --username=postgres --auth-local=trust --auth-host=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8 &
  wait $!
  echo "host all all all scram-sha-256" >>"$PGDATA/new/pg_hba.conf"
  mv "$PGDATA/new" "$cluster"
fi
# Each of three services, scaled to three, has up to 19 connections.
exec postgres -D "$cluster" -c listen_addresses='*' -c max_connections=200
