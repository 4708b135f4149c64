import { fence } from '../host/scripts/fence.ts';
import { script } from '../host/scripts/prelude.ts';

/**
 * What is said on the machine of a balancer, in the language of nodes: fixed texts, `@@zw KEY VALUE`, 70 for a refusal. Its `unit` is
 * the balancer of a region: lock and numbers of the runs lie in a folder of that name.
 */

const haproxy = `
ask() { # SOCKET COMMAND
  if command -v socat >/dev/null; then
    printf '%s\\n' "$2" | timeout 10 socat -t 8 - "UNIX-CONNECT:$1"
  elif command -v perl >/dev/null; then
    timeout 10 perl -MIO::Socket::UNIX -e 'my $s = IO::Socket::UNIX->new(Peer => $ARGV[0]) or die "$!\\n"; print $s "$ARGV[1]\\n"; print while <$s>' "$1" "$2"
  else
    refuse missing socat
  fi
}
asked() { # SOCKET COMMAND: sets answer
  answer=$(ask "$1" "$2" 2>&1) || refuse socket "$(printf '%s' "$answer" | tail -n 1)"
}
`;

/** `$1…`: socket, backend, state file or -. */
export const showHaproxyScript = script(
  [haproxy],
  `  socket=$1 backend=$2 saved=$3
  asked "$socket" "show servers state $backend"
  printf '%s\\n' "$answer" | each server
  asked "$socket" 'show stat'
  printf '%s\\n' "$answer" | awk -F , -v b="$backend" '/^#/ || $1 == b' | cut -d , -f 1-40 | each stat
  [ "$saved" = - ] || [ ! -f "$saved" ] || awk -v b="$backend" '/^# / || $2 == b' "$saved" | each saved
  say end ok`,
);

/**
 * `$1…`: socket, backend, state file or -, names that must be UP with commas between, then the commands. HAProxy answers only when something is
 * wrong. What a reload reads is written last: without it the next one would undo all of this.
 */
export const applyHaproxyScript = script(
  [fence, haproxy],
  `  socket=$1 backend=$2 saved=$3 must=$4
  shift 4
  enter
  if [ -n "$must" ]; then
    asked "$socket" 'show stat'
    printf '%s\\n' "$answer" >"$state/.stat"
    for name in $(printf %s "$must" | tr , ' '); do
      is=$(awk -F , -v b="$backend" -v s="$name" '$1 == b && $2 == s { print $18 }' "$state/.stat")
      case $is in UP* | 'no check') ;; *) refuse sick "$name" ;; esac
    done
    rm -f "$state/.stat"
  fi
  for command; do
    asked "$socket" "$command"
    answer=$(printf '%s' "$answer" | tr -d '\\n')
    [ -z "$answer" ] || refuse haproxy "$answer"
  done
  if [ "$saved" != - ]; then
    asked "$socket" 'show servers state'
    scrap=$saved.$$.part
    printf '%s\\n' "$answer" >"$scrap"
    chmod 644 "$scrap"
    sync "$scrap"
    mv -f "$scrap" "$saved"
    scrap=
  fi
  say end ok`,
);

const nginx = `
master_of() { # PIDFILE: sets master
  master=$(cat "$1" 2>/dev/null) || master=
  case $master in '' | *[!0-9]*) refuse no-nginx "$1" ;; esac
  [ -d "/proc/$master" ] || refuse no-nginx "$1"
}
workers() { # PID START and whether it is on its way out, a line each
  cat /proc/[0-9]*/stat 2>/dev/null | sed -n "s/^\\([0-9]*\\) (.*) [A-Za-z] $master /\\1 /p" | cut -d ' ' -f 1,19 | while read -r pid start; do
    title=$(tr '\\000' ' ' <"/proc/$pid/cmdline" 2>/dev/null) || continue
    case $title in
      'nginx: worker process is shutting down'*) printf '%s %s leaving\\n' "$pid" "$start" ;;
      'nginx: worker process'*) printf '%s %s serving\\n' "$pid" "$start" ;;
    esac
  done
}
`;

/** `$1…`: file, path of the master's number. Workers that were there before our file was are \`old\`. */
export const showNginxScript = script(
  [nginx],
  `  file=$1
  master_of "$2"
  [ -f "$file" ] && [ ! -L "$file" ] || refuse no-file "$file"
  [ "$(stat -c %s "$file")" -le 49152 ] || refuse long "$file"
  say sha "$(small "$file")"
  base64 -w 3000 "$file" | each file
  workers | while read -r pid start is; do
    if [ -f "$state/workers" ] && grep -qx "$pid $start" "$state/workers"; then age=old; else age=new; fi
    say worker "$age $is"
  done
  say end ok`,
);

const putBack = `
put_back() {
  cp -p "$state/before" "$file.$$.part"
  mv -f "$file.$$.part" "$file"
}
has_new_workers() {
  workers >"$state/.now"
  while read -r pid start is; do
    [ "$is" != serving ] || grep -qx "$pid $start" "$state/workers" || { rm -f "$state/.now"; return 0; }
  done <"$state/.now"
  rm -f "$state/.now"
  return 1
}
`;

/**
 * `$1…`: file, path of the master's number, nginx.conf, SHA-256 of the file as it was seen, the new one in base64. \`nginx -t\` passes and \`reload\` ends well
 * also where the new configuration cannot be used (a taken port): only new workers prove that it is, else the old file returns.
 */
export const applyNginxScript = script(
  [fence, nginx, putBack],
  `  file=$1 number=$2 config=$3 seen=$4 text=$5
  enter
  master_of "$number"
  [ -f "$file" ] && [ ! -L "$file" ] || refuse no-file "$file"
  now=$(small "$file")
  [ "$now" = "$seen" ] || refuse drift "$now"
  wanted=$(printf '%s' "$text" | base64 -d | sha256sum | cut -d ' ' -f 1)
  # One that was cut short between the file and the reload goes on with the reload: who was old then is old now.
  if [ "$now" != "$wanted" ]; then
    scrap=$file.$$.part
    cp -p "$file" "$scrap"
    printf '%s' "$text" | base64 -d >"$scrap"
    cp -p "$file" "$state/before"
    workers | while read -r pid start is; do printf '%s %s\n' "$pid" "$start"; done >"$state/workers.new"
    mv -f "$state/workers.new" "$state/workers"
    sync "$scrap" "$state/before" "$state/workers"
    mv -f "$scrap" "$file"
    scrap=
    sync "\${file%/*}"
  fi
  said=$(timeout 20 nginx -t -q -c "$config" 2>&1 9>&-) || { put_back; refuse untested "$(printf '%s' "$said" | tail -n 1)"; }
  kill -HUP "$master" || { put_back; refuse no-nginx "$number"; }
  tries=0
  while [ "$tries" -lt 60 ]; do
    if has_new_workers; then
      say end ok
      return 0
    fi
    sleep 0.1
    tries=$((tries + 1))
  done
  put_back
  # It may have read the other file in the last moment.
  kill -HUP "$master" || :
  refuse unloaded "$file"`,
);

const told = `
run_told() {
  code=0
  timeout 60 "$@" 2>&1 9>&- 8>&- </dev/null || code=$?
  printf '\\nexit %s' "$code"
}
`;

/** `$@`: a program of the settings and its words. */
export const showToldScript = script(
  [told],
  `  answer=$(run_told "$@" | tr -d '\\000' | tail -c 16000)
  printf '%s\\n' "$answer" | each told
  say end ok`,
);

export const applyToldScript = script(
  [fence, told],
  `  enter
  answer=$(run_told "$@" | tr -d '\\000' | tail -c 16000)
  printf '%s\\n' "$answer" | each told
  say end ok`,
);

/** `$1`: HAProxy's configuration. Whether a reload keeps who is out. */
export const readConfigScript = script(
  [],
  `  [ -f "$1" ] || refuse no-file "$1"
  grep -E '^[[:space:]]*(load-server-state-from-file|server-state-file|server-state-base)([[:space:]]|$)' "$1" | each line || :
  say end ok`,
);
