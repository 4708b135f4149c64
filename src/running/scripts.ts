/**
 * A long command on a machine that is no node of the fleet, as fixed texts for `sh -s`; nothing is ever interpolated into them. They say `@@zw KEY
 * VALUE` and end with `@@zw end ok`; 70 is a refusal, with `@@zw refused WORD DETAIL`, as with those of nodes.
 *
 * They need git (2.31), coreutils, findutils, tar, flock, and systemd (250) or, for the worker's very machine, setsid and `unshare`.
 * Below HOME lie `lock`, `number` (the highest that was let in), `logs/NAME.log`, and for what is there `NAME/`: `in`, `started`, `by`,
 * `ended`. `repository.git` and `source` are the login's, who alone speaks git.
 */
const prelude = `
set -eu
umask 077
LC_ALL=C; export LC_ALL
PATH=\${PATH:+$PATH:}/usr/sbin:/usr/bin:/sbin:/bin; export PATH
say() { printf '@@zw %s %s\\n' "$1" "$2"; }
refuse() { say refused "$1 \${2:-}"; exit 70; }
each() { while IFS= read -r line; do say "$1" "$line"; done; }
locked() { # HOME NAME
  exec 9>"$1/\${2:-lock}"
  flock -w 30 9 || refuse busy
}
`;

/** Ends all that is left of a build. In a unit systemd knows its processes; else they are told by what they were started with. */
export const quench = `
marked() { # FOLDER of the build: two fleets on one machine never meet
  { grep -lsxzF "ZEITWORK_BUILD=$1" /proc/[0-9]*/environ || :; } | sed 's:^/proc/\\([0-9]*\\)/environ$:\\1:'
}
quench() { # HOME NAME
  if [ "$(cat "$1/$2/by" 2>/dev/null)" = unit ]; then
    systemctl kill -s KILL "$2.service" 2>/dev/null || :
    systemctl stop "$2.service" 2>/dev/null || :
    systemctl reset-failed "$2.service" 2>/dev/null || :
    return 0
  fi
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    pids=$(marked "$1/$2")
    [ -n "$pids" ] || return 0
    kill -KILL $pids 2>/dev/null || :
    sleep 0.1
  done
  refuse left "$pids"
}
`;

export const script = (functions: string[], body: string): string =>
  [prelude, ...functions, `main() {\n${body}\n}\nmain "$@" </dev/null\n`].join('\n');

/**
 * Begins a command under a name, as a transient unit or as a group of processes of its own; it outlives this script and whoever sent it.
 * What `$limits` of `begin_unit` is, goes to systemd-run before the command.
 */
export const begin = `
mark_begun() { # FOLDER LOG BY: from here on it may run, and is not begun a second time
  chmod -R a+rX "$1/in"
  printf '%s\\n' "$3" >"$1/by"
  : >"$2"
  : >"$1/started"
  sync "$1/started" "$1"
}
keep_newest_logs() { # HOME
  find "$1/logs" -name '*.log' -printf '%T@ %p\\n' | sort -rn | tail -n +11 | cut -d' ' -f2- | while IFS= read -r old; do rm -f "$old"; done
}
begin_unit() { # NAME FOLDER LOG SECONDS MEMORY, then words of systemd-run and the command
  unit=$1 of=$2 into=$3 most_seconds=$4 most_memory=$5
  shift 5
  systemd-run --quiet --unit="$unit" -p Type=exec -p RemainAfterExit=yes -p NoNewPrivileges=yes -p PrivateTmp=yes \\
    -p RuntimeMaxSec="$most_seconds" -p TimeoutStopSec=5 -p KillMode=control-group \\
    -p MemoryMax="$most_memory" -p MemorySwapMax=0 -p TasksMax=4096 \\
    -p StandardInput=null -p StandardOutput="append:$into" -p StandardError="append:$into" \\
    "$@" 9>&- 2>"$of/said" || {
    tail -n 5 "$of/said" >>"$into"
    printf 'unstarted - left 0\\n' >"$of/ended"
  }
}
begin_group() { # FOLDER LOG SECONDS MEMORY TIME, then the command
  of=$1 into=$2 most_seconds=$3 most_memory=$4 epoch=$5
  shift 5
  # The one that waits writes down how it ended.
  ZEITWORK_BUILD=$of setsid sh -c 'code=0
    "$@" || code=$?
    printf "%s\\n" "$code" >"$0/code.new" && mv "$0/code.new" "$0/code"' "$of" \\
    env -i ZEITWORK_BUILD="$of" PATH="$PATH" SOURCE_DATE_EPOCH="$epoch" LC_ALL=C TZ=UTC \\
    timeout -k 5 "$most_seconds" sh -c 'ulimit -d "$0" 2>/dev/null || :; exec "$@"' "$((most_memory / 1024))" \\
    "$@" </dev/null >>"$into" 2>&1 9>&- &
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -e "$of/code" ] && [ -z "$(marked "$of")" ] || break
    sleep 0.1
  done
}
`;

/**
 * `$1…`: home, version, repository. Forced, and after what was known of the tag is forgotten: one that moved or is gone must not be found as
 * it was. The tag object is given whole, for whoever checks its signature.
 */
export const fetchScript = script(
  [],
  `  home=$1 version=$2 repository=$3
  ref=refs/tags/$version
  mkdir -p "$home/source"
  # Another one: whoever ends a build waits for no fetch.
  locked "$home" fetching
  export GIT_DIR="$home/repository.git" GIT_TERMINAL_PROMPT=0 GIT_ALLOW_PROTOCOL=file:git:https:http:ssh
  export GIT_SSH_COMMAND='ssh -o BatchMode=yes -o ConnectTimeout=20'
  [ -e "$GIT_DIR/HEAD" ] || git init -q --bare "$GIT_DIR"
  git update-ref -d "$ref" 2>/dev/null || :
  if ! git -c core.hooksPath=/dev/null -c gc.auto=0 fetch -q --force --no-tags -- "$repository" "+$ref:$ref" >"$home/said" 2>&1; then
    tail -n 5 "$home/said" | each said
    if grep -q "find remote ref" "$home/said"; then refuse no-tag; else refuse unfetched; fi
  fi
  tag=$(git rev-parse --verify -q "$ref") || refuse no-tag
  commit=$(git rev-parse --verify -q "$ref^{commit}") || refuse no-commit
  say tag "$tag"
  say commit "$commit"
  say time "$(git show -s --format=%ct "$commit")"
  if [ "$(git cat-file -t "$tag")" = tag ]; then
    [ "$(git cat-file -s "$tag")" -le 24000 ] || refuse long-tag
    git cat-file tag "$tag" | base64 -w 3000 | each object
  fi
  find "$home/source" -type f ! -name "$commit.tar" -delete
  if [ ! -e "$home/source/$commit.tar" ]; then
    git archive --format=tar "$commit" >"$home/source/.new" || refuse no-export
    mv "$home/source/.new" "$home/source/$commit.tar"
  fi
  say end ok`,
);

/**
 * `$1…`: home, name, byte of the log from which it is told, bytes of the log. What is over is ended for good, with everything that it left running: its end
 * is written down first, and is the same for whoever looks again.
 */
export const lookScript = script(
  [
    quench,
    `
in_unit() {
  facts=$(systemctl show "$name.service" -p LoadState -p ActiveState -p SubState -p Result -p ExecMainStatus -p ControlGroup)
  fact() { printf '%s\\n' "$facts" | sed -n "s/^$1=//p"; }
  left=0
  case $(fact LoadState)/$(fact ActiveState)/$(fact SubState) in
    not-found/*) end='gone' ;;
    */active/exited) end="exited $(fact ExecMainStatus)" left=$(cat "/sys/fs/cgroup$(fact ControlGroup)/cgroup.procs" 2>/dev/null | wc -l) ;;
    */failed/*)
      case $(fact Result) in
        timeout) end='time' ;;
        oom-kill) end='memory' ;;
        exit-code) end="exited $(fact ExecMainStatus)" ;;
        signal | core-dump) end="signal $(fact ExecMainStatus)" ;;
        *) end="broken $(fact Result)" ;;
      esac ;;
    */inactive/*) end='gone' ;;
    *) end= ;;
  esac
}
in_group() {
  end= left=0
  if [ -e "$folder/code" ]; then
    code=$(cat "$folder/code")
    left=$(marked "$folder" | wc -l)
    # Of timeout itself: it was too late, or had to be killed for that.
    if [ "$code" = 124 ] || [ "$code" = 137 ]; then end='time'; else end="exited $code"; fi
  elif [ -z "$(marked "$folder")" ]; then
    # It may have ended between the two looks.
    [ -e "$folder/code" ] && end="exited $(cat "$folder/code")" || end='gone'
  fi
}`,
  ],
  `  home=$1 name=$2 from=$3 most=$4
  folder=$home/$name log=$home/logs/$name.log
  if [ ! -e "$folder/started" ]; then say state none; say end ok; return 0; fi
  locked "$home"
  size=$(stat -c %s "$log" 2>/dev/null || echo 0)
  if [ ! -e "$folder/ended" ]; then
    if [ "$(cat "$folder/by")" = unit ]; then in_unit; else in_group; fi
    size=$(stat -c %s "$log" 2>/dev/null || echo 0)
    [ "$size" -lt "$most" ] || end='log' left=0
    if [ -n "$end" ]; then
      printf '%s left %s\\n' "$end" "\${left:-0}" >"$folder/ended.new"
      mv "$folder/ended.new" "$folder/ended"
    fi
  fi
  if [ -e "$folder/ended" ]; then
    # Again each time: whoever wrote it down may have been killed before this.
    quench "$home" "$name"
    say state "$(cat "$folder/ended")"
  else
    say state running
  fi
  say size "$size"
  [ "$from" -ge "$size" ] || tail -c "+$((from + 1))" "$log" | head -c 24000 | base64 -w 3000 | each log
  say end ok`,
);
