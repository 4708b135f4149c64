#!/bin/bash
# Asks a real systemd what it makes of environment files: each file of IN is read as EnvironmentFile= of a service of its own start,
# and the environment that its process got is left under the same name in OUT, as /proc/PID/environ has it.
# It boots the systemd of this machine in a throw-away container (root, systemd-container); no service of the machine is touched.
# usage: record-environments.sh IN OUT
set -euo pipefail
in=$(realpath "$1")
mkdir -p "$2"
out=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir -p "$work/units"
ls "$in" >"$work/names"
cat >"$work/step" <<'STEP'
#!/bin/sh
# The environment is that of the file that `current` led to when this start began; then it is led to the next one.
name=$(readlink /zw/work/current)
cat "/proc/$$/environ" >"/zw/out/${name##*/}"
next=$(sed -n "$(($(cat /zw/work/at) + 1))p" /zw/work/names)
[ -n "$next" ] || { /usr/bin/systemctl exit --force --no-block 0 || kill -RTMIN+4 1; exit 0; }
echo "$(($(cat /zw/work/at) + 1))" >/zw/work/at
ln -sfn "/zw/in/$next" /zw/work/current
exit 1
STEP
chmod 755 "$work/step"
echo 1 >"$work/at"
ln -s "/zw/in/$(head -n 1 "$work/names")" "$work/current"
cat >"$work/units/ask.target" <<'UNIT'
[Unit]
Description=asks
DefaultDependencies=no
Requires=ask.service
UNIT
cat >"$work/units/ask.service" <<'UNIT'
[Unit]
DefaultDependencies=no
StartLimitIntervalSec=0
[Service]
EnvironmentFile=-/zw/work/current
ExecStart=/bin/sh /zw/work/step
Restart=on-failure
RestartSec=0
StandardOutput=null
StandardError=null
UNIT
export work in out
unshare -m --propagation private bash -euc '
  if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
    umount -R /sys/fs/cgroup 2>/dev/null || :
    mount -t cgroup2 cgroup2 /sys/fs/cgroup
  fi
  group=/sys/fs/cgroup/zw-environments-$$
  mkdir -p "$group" /run/systemd
  mount -t tmpfs tmpfs /run/systemd
  echo $$ >"$group/cgroup.procs"
  export SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1
  exec systemd-nspawn --boot --quiet --volatile=yes --directory=/ --machine=zw-environments --register=no --keep-unit \
    --private-network --console=pipe --link-journal=no --resolv-conf=off --timezone=off \
    --bind-ro="$in:/zw/in" --bind="$out:/zw/out" --bind="$work:/zw/work" \
    --bind-ro="$work/units/ask.target:/etc/systemd/system/ask.target" \
    --bind-ro="$work/units/ask.service:/etc/systemd/system/ask.service" \
    systemd.unit=ask.target
' </dev/null >"$work/log" 2>&1 || :
answered=$(ls "$out" | wc -l)
asked=$(wc -l <"$work/names")
[ "$answered" -ge "$asked" ] || { tail -n 20 "$work/log" >&2; echo "systemd answered for $answered of $asked files" >&2; exit 1; }
