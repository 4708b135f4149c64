import { begin, quench, script } from '../running/index.ts';

/** What runs on the machine that builds, besides what any long command needs (`src/running`). */

/**
 * `$1…`: home, name, number, unit or group, path of the source, seconds, bytes of memory, network or none, bytes of the log, seconds since the epoch for
 * SOURCE_DATE_EPOCH, a name for the folder, then the command. A build that was started here is never started again, whatever became of it.
 */
export const startScript = script(
  [
    quench,
    begin,
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
  begin_unit "$name" "$folder" "$log" "$seconds" "$memory" --description="Build of a release" \\
    -p DynamicUser=yes -p StateDirectory="$folder_name" -p StateDirectoryMode=0700 -p ProtectSystem=strict \\
    -p ProtectHome=yes -p PrivateDevices=yes -p ProtectKernelTunables=yes -p ProtectControlGroups=yes \\
    -p PrivateNetwork=$private -p BindReadOnlyPaths="$folder/in:/run/zeitwork-build" \\
    --setenv=SOURCE_DATE_EPOCH="$time" --setenv=LC_ALL=C --setenv=TZ=UTC \\
    /bin/sh /run/zeitwork-build/run /run/zeitwork-build "/var/lib/$folder_name" "$most"
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
  begin_group "$folder" "$log" "$seconds" "$memory" "$time" $apart sh "$folder/in/run" "$folder/in" "$work" "$most"
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
    mark_begun "$folder" "$log" "$by"
    if [ "$by" = unit ]; then in_unit; else in_group; fi
    keep_newest_logs "$home"
  fi
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
