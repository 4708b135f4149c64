import { begin, quench, script } from '../running/index.ts';

/**
 * What runs on the database's host, besides what any long command needs (`src/running`). The file with the addresses and passwords is read
 * there, by systemd or by a shell, and by nobody else.
 */

/** Runs a command with what the file says, and without it nothing: its answer alone is told. */
const withFile = `
with_file() { # FILE BY, then the command; of a unit $seen lies at /run/zeitwork-status
  file=$1 how=$2
  shift 2
  if [ "$how" = unit ]; then
    timeout -k 5 100 systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes -p NoNewPrivileges=yes \\
      -p ProtectSystem=strict -p ProtectHome=yes -p RuntimeMaxSec=90 -p EnvironmentFile="$file" -p BindReadOnlyPaths="\${seen:-/usr}:/run/zeitwork-status" --setenv=LC_ALL=C "$@" 9>&-
  else
    env -i PATH="$PATH" LC_ALL=C timeout -k 5 90 sh -c 'set -a; . "$0"; set +a; exec "$@"' "$file" "$@" 9>&-
  fi
}
allowed() { # HOME NUMBER: of a newer run or try nothing older is let in
  mkdir -p "$1/logs"
  locked "$1"
  newest=$(cat "$1/number" 2>/dev/null || echo 0)
  [ "$2" -ge "$newest" ] || refuse newer "$newest"
  printf '%s\\n' "$2" >"$1/number.new"
  mv "$1/number.new" "$1/number"
}
`;

/** `$1…`: file, unit or group, what is written to its stdin, then the command. Says what it answers, wherever it says it. */
export const askScript = script(
  [withFile],
  `  file=$1 by=$2 in=$3
  shift 3
  [ -r "$file" ] || refuse no-file "$file"
  answer=$(printf '%s\\n' "$in" | { with_file "$file" "$by" "$@"; } 2>&1 | head -c 6000 | tr -d '\\000') || :
  printf '%s\\n' "$answer" | each answer
  say end ok`,
);

/** `$1…`: file, unit or group, path of the source, folder in it, then the command, which is run in a copy that is thrown away. */
export const statusScript = script(
  [withFile],
  `  file=$1 by=$2 source=$3 sub=$4
  shift 4
  [ -r "$file" ] || refuse no-file "$file"
  copy=$(mktemp -d /var/tmp/zeitwork-status-XXXXXX)
  trap 'rm -rf "$copy"' EXIT
  tar -xf "$source" -C "$copy"
  chmod -R a+rX "$copy"
  seen=$copy at=$copy
  [ "$by" = group ] || at=/run/zeitwork-status
  answer=$(with_file "$file" "$by" env -C "$at/$sub" "$@" 2>&1 | head -c 12000 | tr -d '\\000') || :
  printf '%s\\n' "$answer" | each answer
  say end ok`,
);

/** `$1…`: home, number. From here on whatever is older begins nothing any more. */
export const fenceScript = script(
  [withFile],
  `  allowed "$1" "$2"
  say end ok`,
);

/**
 * `$1…`: home, name, number, unit or group, path of the source, folder in it, file, seconds, bytes of memory, bytes of the log, a name for the folder, then
 * each command with the count of its words before it. What was begun under this name is never begun again, whatever became of it; while another
 * one runs nothing is begun.
 */
export const startScript = script(
  [
    quench,
    begin,
    withFile,
    `
run_file() { cat <<'RUN'
# IN FOLDER SUB BYTES: unpacks, runs one command after the other, and lets no more than so many bytes into the log.
set -eu
in=$1 folder=$2 sub=$3 most=$4
mkdir -p "$folder/src" "$folder/home"
cd "$folder/src"
tar -xf "$in/source.tar"
cd "$sub"
rm -f "$folder/out"
mkfifo "$folder/out"
# What is beyond is thrown away: a log that is full ends nothing.
{ stdbuf -o0 head -c "$most"; cat >/dev/null; } <"$folder/out" &
exec >"$folder/out" 2>&1
for words in "$in"/words.*; do
  set --
  while IFS= read -r word; do set -- "$@" "$word"; done <"$words"
  HOME=$folder/home "$@" </dev/null
done
RUN
}
is_over() { # NAME
  [ ! -e "$home/$1/ended" ] || return 0
  if [ "$(cat "$home/$1/by" 2>/dev/null)" = unit ]; then
    case $(systemctl show "$1.service" -p ActiveState -p SubState --value | tr '\\n' ' ') in
      'active exited '* | 'inactive '* | 'failed '*) return 0 ;;
    esac
    return 1
  fi
  [ -e "$home/$1/code" ] || [ -z "$(marked "$home/$1")" ]
}`,
  ],
  `  home=$1 name=$2 number=$3 by=$4 source=$5 sub=$6 file=$7 seconds=$8
  shift 8
  memory=$1 most=$2 folder_name=$3
  shift 3
  allowed "$home" "$number"
  [ -r "$file" ] || refuse no-file "$file"
  folder=$home/$name log=$home/logs/$name.log
  if [ ! -e "$folder/started" ]; then
    for other in "$home"/zw-migrate-*; do
      [ -d "$other" ] || continue
      is_over "\${other##*/}" || refuse runs "\${other##*/}"
      quench "$home" "\${other##*/}"
      rm -rf "$other"
    done
    rm -rf "$folder"
    mkdir -p "$folder/in"
    cp "$source" "$folder/in/source.tar"
    run_file >"$folder/in/run"
    at=0
    while [ $# -gt 0 ]; do
      count=$1 at=$((at + 1))
      shift
      : >"$folder/in/words.$at"
      while [ "$count" -gt 0 ]; do printf '%s\\n' "$1" >>"$folder/in/words.$at"; shift; count=$((count - 1)); done
    done
    mark_begun "$folder" "$log" "$by"
    if [ "$by" = unit ]; then
      rm -rf "/var/lib/private/$folder_name" "/var/lib/$folder_name"
      begin_unit "$name" "$folder" "$log" "$seconds" "$memory" --description="Migration of a database" \\
        -p DynamicUser=yes -p StateDirectory="$folder_name" -p StateDirectoryMode=0700 -p ProtectSystem=strict -p ProtectHome=yes \\
        -p EnvironmentFile="$file" -p BindReadOnlyPaths="$folder/in:/run/zeitwork-migration" --setenv=LC_ALL=C --setenv=TZ=UTC \\
        /bin/sh /run/zeitwork-migration/run /run/zeitwork-migration "/var/lib/$folder_name" "$sub" "$most"
    else
      rm -rf "$home/work"
      mkdir -p "$home/work"
      begin_group "$folder" "$log" "$seconds" "$memory" 0 \\
        sh -c 'set -a; . "$0"; set +a; exec "$@"' "$file" sh "$folder/in/run" "$folder/in" "$home/work" "$sub" "$most"
    fi
    keep_newest_logs "$home"
  fi
  say end ok`,
);
