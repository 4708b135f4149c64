#!/bin/bash
# Breaks a service on a systemd node in every way that `diagnose` has a name for, and records what the node then says of it,
# as transcripts for test/upgrade/host/diagnosis.test.ts.
# usage: record-diagnoses.sh [CASE…]
#
# Root on Linux, with systemd-nspawn, gcc, rustc, nsenter, curl and PostgreSQL. ROOT is a Debian 12 with systemd, curl, perl, openssl and sudo (of a
# trial fleet: FLEET_HOME/base), SOURCE the stand-in for the service (of a trial fleet: operator/operator.c). A node of its own
# is booted over ROOT, without a network, and thrown away; nothing else is touched.
set -euo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
ROOT=${ROOT:-/tmp/fleet/base}
SOURCE=${SOURCE:-${ZEITWORK_FLEET_SCRIPTS:-$here/../shared/fleet}/operator/operator.c}
OUT=${OUT:-$here/test/upgrade/host/transcripts}
name=us-east-op-1
if [ "${INSIDE:-}" != yes ]; then
  work=$(mktemp -d)
  trap 'rm -rf --one-file-system "$work"' EXIT
  INSIDE=yes ROOT=$ROOT SOURCE=$SOURCE OUT=$OUT work=$work unshare --mount --propagation private "$0" "$@"
  exit
fi

# --- what it runs ------------------------------------------------------------------------------------------------------
mkdir -p "$work/share" "$work/disk" "$work/root" "$OUT"
share=$work/share
operator() { # NAME VERSION FAULT
  gcc -O2 -s -static -pthread -DVERSION="\"$2\"" -DREPORTED_VERSION="\"$2\"" -DFAULT="$3" -o "$share/$1" "$SOURCE"
}
operator good v1.0.0 F_NONE
operator new v2.0.0 F_NONE
operator exits v2.0.0 F_EXIT_AT_START
operator starting v2.0.0 F_NEVER_HEALTHY
operator unhealthy v2.0.0 F_UNHEALTHY_200
operator dies v2.0.0 F_DIES_AFTER_20S
operator param v2.0.0 F_NEEDS_PARAM
cp "$share/good" "$share/edge-proxy"
cp "$share/good" "$share/arm" # e_machine 183: aarch64
printf '\267\000' | dd of="$share/arm" bs=1 seek=18 conv=notrunc status=none
cat >"$share/lib.c" <<'C'
int beyond(void) { return 1; }
C
cat >"$share/uses.c" <<'C'
int beyond(void);
int main(void) { return beyond(); }
C
gcc -shared -fPIC -o "$share/libzeitwork.so.1" -Wl,-soname,libzeitwork.so.1 "$share/lib.c"
gcc -o "$share/library" "$share/uses.c" "$share/libzeitwork.so.1"
mkdir -p "$share/newer"
echo 'GLIBC_2.99 { global: beyond; };' >"$share/glibc.map"
gcc -shared -fPIC -o "$share/newer/libm.so.6" -Wl,-soname,libm.so.6 -Wl,--version-script="$share/glibc.map" "$share/lib.c"
gcc -o "$share/glibc" "$share/uses.c" "$share/newer/libm.so.6"
cat >"$share/segv.c" <<'C'
#include <stdio.h>
int main(int n, char **v) { puts("time=now level=INFO msg=\"starting\""); fflush(stdout); volatile int *p = n > 99 ? (int *)v : 0; return *p; }
C
gcc -O0 -o "$share/segv" "$share/segv.c"
echo 'fn main() { let peers: Vec<String> = Vec::new(); println!("first peer {}", peers[std::env::args().count() - 1]); }' >"$share/panic.rs"
rustc -o "$share/panic" "$share/panic.rs" 2>/dev/null
openssl req -newkey rsa:2048 -nodes -keyout "$share/key.pem" -out "$work/request" -subj /CN=db.internal 2>/dev/null
printf '[ca]\ndefault_ca=d\n[d]\ndatabase=%s\nnew_certs_dir=%s\nserial=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n[x]\nsubjectAltName=DNS:db.internal\n' \
  "$work/index" "$work" "$work/serial" >"$work/ca"
: >"$work/index"
echo 01 >"$work/serial"
openssl ca -batch -config "$work/ca" -selfsign -keyfile "$share/key.pem" -in "$work/request" -out "$share/expired.pem" -notext \
  -startdate 200101000000Z -enddate 210101000000Z -extensions x 2>/dev/null
# A real server that wants a real password, on a socket that the node sees.
pgbin=$(ls -d /usr/lib/postgresql/*/bin | tail -n 1)
install -d -o postgres -m 755 "$share/pg" "$work/pgdata"
chmod 755 "$work"
echo right >"$work/password"
chmod 644 "$work/password"
runuser -u postgres -- "$pgbin/initdb" -D "$work/pgdata" -A scram-sha-256 --pwfile="$work/password" >/dev/null
runuser -u postgres -- "$pgbin/postgres" -D "$work/pgdata" -k "$share/pg" -c listen_addresses= >"$work/pg.log" 2>&1 &
postgres=$!
chmod -R a+rX "$share"

# --- the node ----------------------------------------------------------------------------------------------------------
truncate -s 160M "$work/disk.img"
mkfs.ext4 -q -N 2600 -m 0 "$work/disk.img"
mount -o loop "$work/disk.img" "$work/disk"
mkdir -p "$work/disk/upper" "$work/disk/work" /run/systemd
mount -t tmpfs tmpfs /run/systemd
if [ "$(stat -f -c %T /sys/fs/cgroup)" != cgroup2fs ]; then
  umount -R /sys/fs/cgroup 2>/dev/null || true
  mount -t cgroup2 cgroup2 /sys/fs/cgroup
fi
group=/sys/fs/cgroup/zeitwork-diagnoses
mount -t overlay overlay -o "lowerdir=$ROOT,upperdir=$work/disk/upper,workdir=$work/disk/work" "$work/root"
r=$work/root
echo $name >"$r/etc/hostname"
printf '127.0.0.1 localhost %s\n' $name >"$r/etc/hosts"
: >"$r/etc/machine-id"
mkdir -p "$r/share" "$r/host"
(
  mkdir -p "$group"
  echo "$BASHPID" >"$group/cgroup.procs"
  SYSTEMD_NSPAWN_TMPFS_TMP=0 SYSTEMD_NSPAWN_UNIFIED_HIERARCHY=1 exec systemd-nspawn --boot --quiet --directory="$r" \
    --machine=zeitwork-diagnoses --register=no --keep-unit --private-network --console=pipe --link-journal=no --resolv-conf=off \
    --timezone=off --bind-ro="$share:/share" --bind="$share/pg:/pg" --bind-ro=/usr:/host/usr --bind-ro=/lib64:/host/lib64 >"$work/console" 2>&1
) &
supervisor=$!
finish() {
  kill "$postgres" 2>/dev/null || true
  [ ! -f "$group/cgroup.kill" ] || echo 1 >"$group/cgroup.kill"
  wait "$supervisor" 2>/dev/null || true
  find "$group" -depth -type d -exec rmdir {} \; 2>/dev/null || true
  umount "$work/root" "$work/disk" 2>/dev/null || true
}
trap finish EXIT
init=
for _ in $(seq 1 100); do
  nspawn=$(pgrep -f -- "--machine=zeitwork-diagnoses " | head -n 1) || true
  init=$(for c in $(cat "/proc/${nspawn:-0}/task/${nspawn:-0}/children" 2>/dev/null); do [ "$(cat "/proc/$c/comm")" != systemd ] || echo "$c"; done)
  [ -z "$init" ] || break
  sleep 0.2
done
[ -n "$init" ] || { cat "$work/console" >&2; exit 1; }
node() { nsenter -t "$init" -m -u -i -n -p -C -r -w env -i PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin LC_ALL=C "$@"; }
for _ in $(seq 1 150); do
  case $(node systemctl is-system-running 2>/dev/null || true) in running | degraded) break ;; esac
  sleep 0.2
done

# --- the cases: what is done to the node, on the node --------------------------------------------------------------------
unit() { # LINES: more of [Service]
  cat >"$work/unit" <<U
[Unit]
Description=Zeitwork Operator
After=network.target
${limit:-StartLimitIntervalSec=0}

[Service]
Type=simple
User=zeitwork
Group=zeitwork
EnvironmentFile=/etc/zeitwork/operator.env
ExecStart=/usr/local/bin/zeitwork-operator
Restart=always
RestartSec=1
$1

[Install]
WantedBy=multi-user.target
U
  node sh -c 'cat >/etc/systemd/system/zeitwork-operator.service; systemctl daemon-reload' <"$work/unit"
}
fresh() {
  node sh -ec 'systemctl stop zeitwork-operator 2>/dev/null || :
    umount /var/lib/zeitwork /usr/local/bin 2>/dev/null || :
    systemctl unmask zeitwork-operator 2>/dev/null || :
    systemctl stop bystander 2>/dev/null || :; systemctl reset-failed 2>/dev/null || :
    rm -rf /var/lib/filler /var/lib/many /etc/zeitwork
    rm -rf /etc/systemd/system/zeitwork-operator.service.d
    mkdir -p /etc/zeitwork; install -m 755 /share/good /usr/local/bin/zeitwork-operator; chmod 755 /usr/local/bin
    printf "%s\n" PORT=8080 "DATABASE_URL=postgres://zeitwork:s3cret-node@db.internal:5432/zeitwork" LOG_LEVEL=info >/etc/zeitwork/operator.env
    chown -R zeitwork:zeitwork /etc/zeitwork; chmod 640 /etc/zeitwork/operator.env
    echo "ops ALL=(ALL) NOPASSWD: ALL" >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops
    journalctl --rotate >/dev/null 2>&1; journalctl --vacuum-time=1s >/dev/null 2>&1'
  unit ''
  node systemctl enable -q zeitwork-operator
}
is() { node sh -ec "$1"; }
use() { is "cp /share/$1 /usr/local/bin/.new && chmod 755 /usr/local/bin/.new && mv -f /usr/local/bin/.new /usr/local/bin/zeitwork-operator"; }
wrapper() { # the service as a shell script, for programs that speak for themselves
  printf '#!/bin/sh\n%s\n' "$1" | node sh -ec 'cat >/usr/local/bin/.new; chmod 755 /usr/local/bin/.new; mv -f /usr/local/bin/.new /usr/local/bin/zeitwork-operator'
}
restart() { node systemctl restart zeitwork-operator 2>/dev/null || true; sleep "${1:-2.5}"; }
bystander() { node systemd-run -q --unit=bystander "$@"; sleep 0.5; }
perl_dies() { wrapper "exec perl -MIO::Socket::INET -MErrno -e '$1'"; }

c_port_in_use() { bystander -E PORT=8080 -E DATABASE_URL=none /share/edge-proxy; restart; }
c_missing_key() { use param; restart; }
c_missing_key_of_old() { is 'sed -i /DATABASE_URL/d /etc/zeitwork/operator.env'; restart; }
c_environment_missing() { is 'rm /etc/zeitwork/operator.env'; restart; }
c_not_executable() { is 'chmod 644 /usr/local/bin/zeitwork-operator'; restart; }
c_directory_closed() { is 'chmod 700 /usr/local/bin'; restart; }
c_binary_missing() { is 'rm /usr/local/bin/zeitwork-operator'; restart; }
c_wrong_architecture() { use arm; restart; }
c_library_missing() { use library; restart; }
c_library_too_old() { use glibc; restart; }
c_start_limit() { limit='StartLimitIntervalSec=60
StartLimitBurst=3' unit 'RestartSec=100ms'; use exits; restart; }
c_exits_at_start() { use exits; restart; }
c_dies() { use dies; restart 22; }
c_silent() { wrapper 'exec sleep 99'; restart; }
c_group_missing() { unit 'Group=operators-of-zeitwork'; restart; }
c_segfault() { use segv; restart; }
c_killed() { restart 1; is 'kill -9 $(systemctl show zeitwork-operator -p MainPID --value)'; sleep 0.5; }
c_panic() { use panic; restart; }
c_stack_trace() { perl_dies 'use Carp; sub plan { confess "no peers" } sub main { plan(1) } main()'; restart; }
c_start_timeout() { unit 'Type=notify
TimeoutStartSec=2'; restart 1; }
c_database_refused() { wrapper "${psql_run} -h 127.0.0.1 -p 5432 -U zeitwork zeitwork -c 'select 1'"; restart; }
c_database_auth() { wrapper "PGPASSWORD=wrong ${psql_run} -h /pg -U postgres postgres -c 'select 1'"; restart; }
c_dns() { wrapper "${psql_run} -h db.internal -U zeitwork zeitwork -c 'select 1'"; restart 4; }
c_certificate_expired() {
  is 'grep -q db.internal /etc/hosts || echo 127.0.0.1 db.internal >>/etc/hosts'
  bystander openssl s_server -accept 8443 -key /share/key.pem -cert /share/expired.pem -quiet
  wrapper 'exec curl -sS --cacert /share/expired.pem https://db.internal:8443/'
  restart
  is 'sed -i /db.internal/d /etc/hosts'
}
c_disk_full() {
  wrapper 'exec perl -e "open F, q(>), q(/var/lib/zeitwork/wal) or die qq(open wal: \$!\n); print F q(x) x 9000000; close F or die qq(write wal: \$!\n)"'
  is 'n=$(df -kP / | awk "NR==2{print \$4}"); fallocate -l ${n}K /var/lib/filler || :; dd if=/dev/zero of=/var/lib/filler bs=4k oflag=append conv=notrunc 2>/dev/null || :'
  restart
}
c_inodes_gone() { is 'mkdir -p /var/lib/many; i=0; while : >/var/lib/many/$i 2>/dev/null; do i=$((i+1)); done'; restart; }
c_read_only() { is 'mkdir -p /var/lib/zeitwork; mount -t tmpfs -o ro tmpfs /var/lib/zeitwork'
  wrapper 'exec perl -e "open F, q(>), q(/var/lib/zeitwork/wal) or die qq(open wal: \$!\n)"'; restart; }
c_read_only_binary() { restart 1; is 'mount --bind /usr/local/bin /usr/local/bin; mount -o remount,ro,bind /usr/local/bin'; }
c_starting() { use starting; restart; }
c_unhealthy() { use unhealthy; restart; }
c_old_process() { restart 1; use new; }
c_other_version() { use new; restart; }
c_healthy() { restart; }
c_unit_missing() { is 'rm /etc/systemd/system/zeitwork-operator.service; rm -f /etc/systemd/system/multi-user.target.wants/zeitwork-operator.service; systemctl daemon-reload'; }
c_unit_masked() { is 'rm /etc/systemd/system/zeitwork-operator.service; systemctl daemon-reload; systemctl mask -q zeitwork-operator'; restart 0.5; }
c_unit_broken() { is 'sed -i /^ExecStart=/d /etc/systemd/system/zeitwork-operator.service; systemctl daemon-reload'; restart 0.5; }
c_stopped() { restart 1; is 'systemctl stop zeitwork-operator'; }
c_stopped_and_disabled() { restart 1; is 'systemctl disable -q --now zeitwork-operator'; }
c_user_missing() { unit 'User=operator-of-zeitwork'; restart; }
c_directory_missing() { unit 'WorkingDirectory=/srv/zeitwork'; restart; }
c_too_many_files() { unit 'LimitNOFILE=16'
  wrapper 'exec perl -e "while (1) { open my \$f, q(<), q(/etc/hosts) or die qq(open /etc/hosts: \$!\n); push @f, \$f }"'; restart; }
c_cannot_assign() { perl_dies 'IO::Socket::INET->new(LocalAddr => q(10.77.9.9), LocalPort => 8080, Listen => 5, Proto => q(tcp)) or die qq(listen on 10.77.9.9:8080: $!\n)'; restart; }
c_permission() { is 'mkdir -p /etc/zeitwork; : >/etc/zeitwork/tls.pem; chmod 600 /etc/zeitwork/tls.pem; chown root /etc/zeitwork/tls.pem'
  wrapper 'exec perl -e "open F, q(<), q(/etc/zeitwork/tls.pem) or die qq(open /etc/zeitwork/tls.pem: \$!\n)"'; restart; }
c_privileged_port() { is 'echo 1024 >/proc/sys/net/ipv4/ip_unprivileged_port_start; sed -i s/PORT=8080/PORT=80/ /etc/zeitwork/operator.env'; restart; }
c_sudo_refused() { is 'echo "ops ALL=(ALL) ALL" >/etc/sudoers.d/ops; chmod 440 /etc/sudoers.d/ops'; restart 1; }
c_unknown() { wrapper 'echo "time=now level=INFO msg=\"waiting for the moon\""; sleep 1; exit 3'; restart 3; }

pgbin_in_node=/host$pgbin
psql_run="PGCONNECT_TIMEOUT=2 exec /host/lib64/ld-linux-x86-64.so.2 --library-path /host/usr/lib/x86_64-linux-gnu $pgbin_in_node/psql"
(cd "$here" && npx tsx -e "
import { diagnose } from './src/upgrade/host/commands.ts';
import { writeFileSync } from 'node:fs';
const { script, args } = diagnose({ name: 'zeitwork-operator', unit: 'zeitwork-operator', binary: '/usr/local/bin/zeitwork-operator', owner: 'root:root', mode: '0755', envFile: '/etc/zeitwork/operator.env', versionArgs: ['--version'], traffic: null, archiveMember: 'build/zeitwork-operator' }, 30_000);
writeFileSync('$work/script', script); writeFileSync('$work/args', args.join('\n'));
")
mapfile -t args <"$work/args"

record() { # CASE
  fresh
  "c_${1//-/_}"
  local health code how
  how=$(declare -f "c_${1//-/_}" | sed '1,2d;$d')
  health=$(node curl -s -m 3 -w '\n%{http_code}' http://127.0.0.1:8080/health 2>/dev/null) || true
  code=$(tail -n 1 <<<"$health")
  {
    echo "# Recorded by scripts/record-diagnoses.sh on a node of its own: Debian $(node cat /etc/debian_version), $(node systemctl --version | head -n 1)."
    echo '# What was done to it:'
    sed 's/^ */# $ /' <<<"$how"
    if [ "${code:-000}" = 000 ]; then echo '# health: refused'; else echo "# health: $code $(head -n 1 <<<"$health")"; fi
    if [ "$1" = sudo-refused ]; then
      node setpriv --reuid=ops --regid=ops --clear-groups sudo -n sh -s -- "${args[@]}" <"$work/script" 2>&1 || echo "# exit $?"
    else
      node sh -s -- "${args[@]}" <"$work/script" 2>&1 || echo "# exit $?"
    fi
  } >"$work/recorded"
  mv "$work/recorded" "$OUT/$1.txt"
  echo "$1"
}
if [ $# -gt 0 ]; then cases=("$@"); else mapfile -t cases < <(declare -F | sed -n 's/^declare -f c_//p' | tr _ -); fi
for each in "${cases[@]}"; do record "$each" || echo "$each could not be recorded" >&2; done
