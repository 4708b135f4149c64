import { script } from './prelude.ts';

/** Runs the given binary for its version: as nobody, with an empty environment, for five seconds at most. */
export const askVersion = `
ask_version() { # FILE ARGUMENT...
  drop=
  if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null 2>&1; then drop=1; fi
  answer=$(run_version "$@" | head -c 2000)
  case $answer in *'exit 126') [ -z "$drop" ] || { drop=; answer=$(run_version "$@" | head -c 2000); } ;; esac
  printf '%s\\n' "$answer" | each version
}
run_version() {
  code=0
  if [ -n "$drop" ]; then
    timeout -k 1 5 setpriv --reuid=65534 --regid=65534 --clear-groups env -i "$@" 2>&1 9>&- || code=$?
  else
    timeout -k 1 5 env -i "$@" 2>&1 9>&- || code=$?
  fi
  printf '\\nexit %s' "$code"
}
`;

const space = `
space() { # LABEL FOLDER: device, free bytes = blocks * size, free inodes, all inodes
  say space "$1 $(stat -c %d "$2") $(stat -f -c '%a %S %d %c' "$2")"
}
`;

const lookAround = `
look_around() {
  printf '%s\\n' "$facts" | each unit
  say image "$image"
  say disk "$disk"
  say env "$environment"
}
`;

/** What runs and what lies on disk: quick, since it is asked often. */
export const lookScript = script(
  [lookAround],
  `  unit_facts
  hashes
  look_around
  say end ok`,
);

/** All that staging and a survey want to know. With arguments after \`--\` it asks the binary for its version. */
export const observeScript = script(
  [lookAround, askVersion, space],
  `  unit_facts
  hashes
  look_around
  [ "$staged" = - ] || [ ! -f "$staged" ] || say staged "$(digest staged "$staged")"
  say epoch "$(cat "$state/epoch" 2>/dev/null || echo 0)"
  say machine "$(uname -m)"
  bin=\${binary%/*}
  if [ -w "$bin" ]; then say writable yes; else say writable no; fi
  space home .
  space binary "$bin"
  space state "\${state%/*}"
  [ $# = 0 ] || [ -z "$disk" ] || ask_version "$binary" "$@"
  say end ok`,
);
