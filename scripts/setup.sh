#!/bin/sh
# Sees to it that the programs are there which npm cannot bring, and says what it does.
# usage: scripts/setup.sh redis        a Redis server for a private queue, ssh-keygen for signed releases (npm run sandbox)
#        scripts/setup.sh tests        the same, git, make, an OpenSSH server, Chromium, script(1) for a terminal, HAProxy with socat,
#                              nginx, PostgreSQL with pgbouncer, Prometheus (npm test)
# Debian and its kin: missing ones are installed with apt-get as root, or through sudo without a password.
# Elsewhere, or without that right, they are named and the script fails. So it does when Node is too old.
set -eu

has() { command -v "$1" >/dev/null 2>&1; }
redis_is_there() { has redis-server || has valkey-server || has redis-check-rdb; }
sshd_is_there() { has sshd || [ -x /usr/sbin/sshd ]; }
postgres_is_there() { ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1; }
haproxy_is_there() { has haproxy || [ -x /usr/sbin/haproxy ]; }
nginx_is_there() { has nginx || [ -x /usr/sbin/nginx ]; }
chromium_is_there() { [ -n "${CHROMIUM:-}" ] || has chromium || has chromium-browser || has google-chrome; }

case ${1:-} in
  redis | tests) echo "setup: looking for Node and for the programs that npm cannot bring" >&2 ;;
  *) sed -n 2,7p "$0" >&2; exit 2 ;;
esac
node "$(dirname "$0")/node-version.cjs"

missing=
redis_is_there || missing="$missing redis-tools"
has ssh-keygen || missing="$missing openssh-client"
if [ "$1" = tests ]; then
  has git || missing="$missing git"
  has make || missing="$missing make"
  sshd_is_there || missing="$missing openssh-server"
  chromium_is_there || missing="$missing chromium"
  has script || missing="$missing bsdutils"
  has openssl || missing="$missing openssl"
  haproxy_is_there || missing="$missing haproxy"
  nginx_is_there || missing="$missing nginx-light"
  has socat || missing="$missing socat"
  postgres_is_there || missing="$missing postgresql"
  has pgbouncer || [ -x /usr/sbin/pgbouncer ] || missing="$missing pgbouncer"
  has promtool || missing="$missing prometheus"
fi
[ -n "$missing" ] || exit 0

if has apt-get && [ "$(id -u)" = 0 ]; then as_root=
elif has apt-get && has sudo && sudo -n true 2>/dev/null; then as_root='sudo -n'
else
  echo "setup: please install:$missing (on Debian: apt-get install$missing), then try again" >&2
  exit 1
fi
# a package's own service must not start: only the program is wanted
export DEBIAN_FRONTEND=noninteractive RUNLEVEL=1
# not -qq: somebody waits, and should see that something happens
echo "setup: apt-get update" >&2
$as_root apt-get update -q >&2
echo "setup: apt-get install$missing (no service is started)" >&2
# shellcheck disable=SC2086
$as_root apt-get install -q -y --no-install-recommends $missing >&2
