#!/bin/sh
# Pulls the images that docker-compose.yml is made of, and writes their digests into .env, so that what was tried is what runs.
# usage: scripts/pin-images.sh [NODE_IMAGE [REDIS_IMAGE]]      run it again for newer ones; other lines of .env stay
set -eu
pinned() {
  docker pull --quiet "$1" >&2
  docker image inspect --format '{{index .RepoDigests 0}}' "$1"
}
node=$(pinned "${1:-node:24-bookworm-slim}")
redis=$(pinned "${2:-redis:7-bookworm}")
case "$node $redis" in *@sha256:*\ *@sha256:*) ;; *) echo "an image has no digest: $node $redis" >&2; exit 1 ;; esac
touch .env
kept=$(grep -v -e '^NODE_IMAGE=' -e '^REDIS_IMAGE=' .env || true)
# Over the old one, whose mode stays: its other lines may be secrets.
{ [ -z "$kept" ] || printf '%s\n' "$kept"; echo "NODE_IMAGE=$node"; echo "REDIS_IMAGE=$redis"; } >.env
