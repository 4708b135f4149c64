/**
 * What runs on the machine that builds, as fixed texts for `sh -s`; nothing is ever interpolated into them. They say `@@zw KEY VALUE`
 * and end with `@@zw end ok`; 70 is a refusal, with `@@zw refused WORD DETAIL`, as with those of nodes.
 *
 * They need git (2.31), coreutils, findutils, tar, flock, and systemd (250) or, for a build of this very machine, setsid and `unshare`.
 * Below HOME lie `lock`, `number` (of the newest build that was let in), `logs/NAME.log`, and for the build that is there `NAME/`: `in` (what the build may
 * read), `started`, `ended`. `repository.git` and `source` are the login's, who alone speaks git.
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
const quench = `
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

const script = (functions: string[], body: string): string =>
  [prelude, ...functions, `main() {\n${body}\n}\nmain "$@" </dev/null\n`].join('\n');

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
 * `$1…`: home, name, number, unit or group, path of the source, seconds, bytes of memory, network or none, bytes of the log, seconds since the epoch for
 * SOURCE_DATE_EPOCH, a name for the folder, then the command. A build that was started here is never started again, whatever became of it.
 */
export const startScript = script(
  [
    quench,
    `
run_file() { cat <<'RUN'
# IN FOLDER BYTES: unpacks, builds, and lets no more than so many bytes into the log.
set -eu
in=$1 folder=$2 most=$3
mkdir -p "$folder/src" "$folder/home"
cd "$folder/src"
tar -xf "$in/source.tar"
set --
while IFS= read -r word; do set -- "$@" "$word"; done <"$in/words"
rm -f "$folder/out"
mkfifo "$folder/out"
stdbuf -o0 head -c "$most" <"$folder/out" &
writer=$!
code=0
HOME=$folder/home "$@" </dev/null >"$folder/out" 2>&1 || code=$?
# What was left in the background may hold the log open for ever.
for _ in 1 2 3 4 5 6 7 8 9 10; do kill -0 $writer 2>/dev/null || break; sleep 0.1; done
exit $code
RUN
}
in_unit() {
  rm -rf "/var/lib/private/$folder_name" "/var/lib/$folder_name"
  private=yes
  [ "$network" = none ] || private=no
  systemd-run --quiet --unit="$name" --description="Build of a release" -p Type=exec -p RemainAfterExit=yes \\
    -p DynamicUser=yes -p StateDirectory="$folder_name" -p StateDirectoryMode=0700 -p PrivateTmp=yes -p ProtectSystem=strict \\
    -p ProtectHome=yes -p PrivateDevices=yes -p NoNewPrivileges=yes -p ProtectKernelTunables=yes -p ProtectControlGroups=yes \\
    -p PrivateNetwork=$private -p RuntimeMaxSec="$seconds" -p TimeoutStopSec=5 -p KillMode=control-group \\
    -p MemoryMax="$memory" -p MemorySwapMax=0 -p TasksMax=4096 -p BindReadOnlyPaths="$folder/in:/run/zeitwork-build" \\
    -p StandardInput=null -p StandardOutput="append:$log" -p StandardError="append:$log" \\
    --setenv=SOURCE_DATE_EPOCH="$time" --setenv=LC_ALL=C --setenv=TZ=UTC \\
    /bin/sh /run/zeitwork-build/run /run/zeitwork-build "/var/lib/$folder_name" "$most" 9>&- 2>"$folder/said" || {
    tail -n 5 "$folder/said" >>"$log"
    printf 'unstarted - left 0\n' >"$folder/ended"
  }
}
in_group() {
  work=$home/work
  rm -rf "$work"
  mkdir -p "$work"
  apart=
  if [ "$network" = none ]; then
    for each in 'unshare -n' 'unshare -c -n' 'unshare -r -n'; do
      if $each true 2>/dev/null; then apart=$each; break; fi
    done
    [ -n "$apart" ] || refuse no-sandbox
  fi
  # The one that waits outlives this script and whoever sent it, and writes down how it ended.
  ZEITWORK_BUILD=$folder setsid sh -c 'code=0
    "$@" || code=$?
    printf "%s\\n" "$code" >"$0/code.new" && mv "$0/code.new" "$0/code"' "$folder" \\
    env -i ZEITWORK_BUILD="$folder" PATH="$PATH" SOURCE_DATE_EPOCH="$time" LC_ALL=C TZ=UTC \\
    timeout -k 5 "$seconds" sh -c 'ulimit -d "$0" 2>/dev/null || :; exec "$@"' "$((memory / 1024))" \\
    $apart sh "$folder/in/run" "$folder/in" "$work" "$most" </dev/null >>"$log" 2>&1 9>&- &
  for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ ! -e "$folder/code" ] && [ -z "$(marked "$folder")" ] || break
    sleep 0.1
  done
}`,
  ],
  `  home=$1 name=$2 number=$3 by=$4 source=$5 seconds=$6 memory=$7 network=$8
  shift 8
  most=$1 time=$2 folder_name=$3
  shift 3
  mkdir -p "$home/logs"
  locked "$home"
  newest=$(cat "$home/number" 2>/dev/null || echo 0)
  [ "$number" -ge "$newest" ] || refuse newer "$newest"
  folder=$home/$name log=$home/logs/$name.log
  if [ ! -e "$folder/started" ]; then
    for other in "$home"/zw-build-*; do
      [ -d "$other" ] || continue
      quench "$home" "\${other##*/}"
      rm -rf "$other"
    done
    printf '%s\\n' "$number" >"$home/number.new"
    mv "$home/number.new" "$home/number"
    mkdir -p "$folder/in"
    cp "$source" "$folder/in/source.tar"
    run_file >"$folder/in/run"
    for word; do printf '%s\\n' "$word"; done >"$folder/in/words"
    chmod -R a+rX "$folder/in"
    printf '%s\\n' "$by" >"$folder/by"
    : >"$log"
    # From here on it may run, and is not begun a second time.
    : >"$folder/started"
    sync "$folder/started" "$folder"
    if [ "$by" = unit ]; then in_unit; else in_group; fi
    find "$home/logs" -name '*.log' -printf '%T@ %p\\n' | sort -rn | tail -n +11 | cut -d' ' -f2- | while IFS= read -r old; do rm -f "$old"; done
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

/**
 * `$1…`: home, name, path of what was built in the source, name of the folder, a path that it is copied to (or - : it is given away here), then how it is asked for
 * its version. Nothing of the build runs any more; what it left may be a link that leads anywhere, so links are not followed.
 */
export const takeScript = script(
  [
    quench,
    `
as_stranger() {
  cp "$file" "$folder/asked"
  chmod 0555 "$folder/asked"
  timeout -k 1 15 systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes -p PrivateNetwork=yes -p PrivateTmp=yes \\
    -p ProtectSystem=strict -p ProtectHome=yes -p NoNewPrivileges=yes -p RuntimeMaxSec=10 -p MemoryMax=1G \\
    -p BindReadOnlyPaths="$folder/asked:/run/zeitwork-asked" timeout -k 1 5 /run/zeitwork-asked "$@" 9>&-
}
as_we_are() {
  env -i ZEITWORK_BUILD="$folder" sh -c 'ulimit -f 2048; exec "$@"' sh timeout -k 1 5 "$file" "$@" 9>&-
}
tools() {
  uname -sr
  for tool in git make cc gcc go rustc node; do
    ! command -v "$tool" >/dev/null || timeout 5 $([ "$tool" = go ] && echo go version || echo "$tool --version") 2>/dev/null | head -n 1
  done
}`,
  ],
  `  home=$1 name=$2 member=$3 folder_name=$4 to=$5
  shift 5
  folder=$home/$name log=$home/logs/$name.log
  [ -e "$folder/ended" ] || refuse not-over
  locked "$home"
  quench "$home" "$name"
  if [ "$(cat "$folder/by")" = unit ]; then work=/var/lib/private/$folder_name; else work=$home/work; fi
  file=$(readlink -f "$work")/src/$member
  [ -f "$file" ] && [ "$(readlink -f "$file")" = "$file" ] || refuse no-binary
  size=$(stat -c %s "$file")
  [ "$size" -gt 0 ] && [ "$size" -le 2147483648 ] || refuse size "$size"
  say logged "$(sha256sum <"$log" | cut -d' ' -f1)"
  say binary "$(sha256sum <"$file" | cut -d' ' -f1)"
  tools | head -n 20 | cut -c 1-200 | each tool
  if [ $# -gt 0 ]; then
    code=0
    if [ "$work" = "$home/work" ]; then as_we_are "$@"; else as_stranger "$@"; fi >"$folder/answer" 2>&1 </dev/null || code=$?
    quench "$home" "$name"
    head -c 2000 "$folder/answer" | tr -d '\\000' | each version
    say version ''
    say version "exit $code"
  fi
  if [ "$to" = - ]; then
    say content "$size"
    head -c "$size" "$file"
  else
    cp "$file" "$to"
  fi
  say end ok`,
);

/** `$1…`: home, name, name of the folder. Leaves its log, and which number was there. */
export const endScript = script(
  [quench],
  `  home=$1 name=$2 folder_name=$3
  mkdir -p "$home"
  locked "$home"
  if [ -e "$home/$name/by" ]; then
    by=$(cat "$home/$name/by")
    quench "$home" "$name"
    if [ "$by" = unit ]; then rm -rf "/var/lib/private/$folder_name" "/var/lib/$folder_name"; else rm -rf "$home/work"; fi
    rm -rf "\${home:?}/$name"
  fi
  say end ok`,
);
