#!/bin/bash
# Boots the systemd of this machine in a throw-away container (root, systemd-container), until it is killed; no service of the machine is touched.
# Its root is empty but for /usr; FOLDER is there under the same path. usage: boot-systemd.sh FOLDER NAME
set -euo pipefail
export folder name
folder=$(realpath "$1") name=$2
exec unshare -m --propagation private bash -euc '
  if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R /sys/fs/cgroup 2>/dev/null || :
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
  group=/sys/fs/cgroup/$name
  mkdir -p "$group" /run/systemd
  mount -t tmpfs tmpfs /run/systemd
  echo $$ >"$group/cgroup.procs"
  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
  exec systemd-nspawn --boot --quiet --volatile=yes --directory=/ --machine="$name" --register=no --keep-unit \
    --private-network --console=pipe --link-journal=no --resolv-conf=off --timezone=off \
    --bind="$folder" systemd.unit=basic.target
' </dev/null
