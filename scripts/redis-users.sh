#!/bin/sh
# Makes the users of a fleet's Redis: their passwords, and the file of access rules that Redis reads (aclfile).
# usage: scripts/redis-users.sh FLEET... DIRECTORY     FLEET as in zeitwork.yaml, all that one process serves; run again, it makes new passwords
set -eu
[ $# -ge 2 ] || { echo 'usage: scripts/redis-users.sh FLEET... DIRECTORY' >&2; exit 2; }
fleets=
while [ $# -gt 1 ]; do
  case $1 in '' | *[!a-z0-9.-]*) echo "$1 cannot be the name of a fleet" >&2; exit 2 ;; esac
  fleets="$fleets $1"
  shift
done
directory=$1

# What both need of Redis itself. Commands upon keys are bound to the keys below, those in scripts too.
commands='-@all +@read +@write -@dangerous -@scripting -scan -randomkey -dbsize +eval +evalsha +multi +exec +time +ping +info +config|get +client|setname'
# What both read and write of the fleet; what 0.1.0 left is looked for at each start.
shared='rollout:* journal:* posted:* orders:* holder open rollouts unpainted living epoch ledger ledger:journal drift build:* advance:* publish:* ask-*'
# Plans that are shown and not yet confirmed, what was delivered already, and who was refused or looked, are the bot's; steps are the workers'.
bot='draft:* seen:* notes notes:journal'
worker='step-* measured:* measuring:*'

umask 077
password() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
keys() { for fleet in $fleets; do for key in $1; do printf ' ~{zw}/%s:%s' "$fleet" "$key"; done; done; }
user() { # name, keys
  secret=$(password)
  printf '%s' "$secret" >"$directory/redis-$1"
  hash=$(sha256sum <"$directory/redis-$1" | cut -d' ' -f1)
  printf 'user %s on #%s resetchannels ~{zw}:*%s %s\n' "$1" "$hash" "$(keys "$2")" "$commands"
}

mkdir -p "$directory"
{
  echo 'user default off'
  # For the health check of the container; it may do nothing else.
  echo 'user health on nopass resetkeys resetchannels -@all +ping'
  user bot "$shared $bot"
  user worker "$shared $worker"
} >"$directory/redis-users.acl.new"
# Hashes of random passwords tell nothing, and the user of Redis' container is another one.
chmod 644 "$directory/redis-users.acl.new"
mv "$directory/redis-users.acl.new" "$directory/redis-users.acl"
if [ "$(id -u)" = 0 ]; then chown 1000:1000 "$directory/redis-bot" "$directory/redis-worker"; fi
