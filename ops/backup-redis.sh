#!/bin/sh
# Copies the data of a running Redis (7 or newer) to a new directory; needs no password of it and stops nothing.
# usage: ops/backup-redis.sh APPENDONLYDIR TARGET      as in: ops/backup-redis.sh /var/lib/zeitwork-redis/appendonlydir /backup/2026-11-30
# What its manifest names is only ever added to. When Redis began new files meanwhile, the copy is begun anew.
set -eu
from=${1:?usage: ops/backup-redis.sh APPENDONLYDIR TARGET}
to=${2:?usage: ops/backup-redis.sh APPENDONLYDIR TARGET}
[ ! -e "$to" ] || { echo "$to is there already" >&2; exit 2; }
umask 077
# Redis writes a new one beside it, as temp-….
manifest=$(find "$from" -name '*.manifest' ! -name 'temp-*' 2>/dev/null || :)
[ -f "$manifest" ] || { echo "$from has no manifest: is it the appendonlydir of a Redis 7 or newer?" >&2; exit 2; }
trap 'rm -rf "$to.new"' EXIT
for _ in 1 2 3 4 5 6 7 8 9 10; do
  rm -rf "$to.new"
  mkdir -p "$to.new"
  cp "$manifest" "$to.new/"
  whole=yes
  for file in $(sed -n 's/^file \([^ ]*\) .*/\1/p' "$to.new/$(basename "$manifest")"); do
    cp "$from/$file" "$to.new/" 2>/dev/null || whole=no
  done
  if [ $whole = yes ] && cmp -s "$manifest" "$to.new/$(basename "$manifest")"; then
    sync "$to.new"/*
    mv "$to.new" "$to"
    echo "$to: $(du -sh "$to" | cut -f1)"
    exit 0
  fi
  sleep 1
done
echo "Redis begins new files all the time: try again" >&2
exit 1
