/**
 * Runs the given binary for its version: as nobody, with an empty environment, for five seconds at most. Never as root:
 * where root cannot become nobody it is not asked, and what nobody may not run is not run.
 */
export const askVersion = `
ask_version() { # FILE ARGUMENT...
  if ! as_nobody; then say version unasked; return 0; fi
  asked "$@"
}
as_nobody() { # sets other: what begins a command as somebody who may do nothing
  other='setpriv --reuid=65534 --regid=65534 --clear-groups --no-new-privs'
  if [ "$(id -u)" != 0 ]; then other=; else $other true 2>/dev/null; fi
}
asked() { # FILE ARGUMENT...
  answer=$(run_version "$@" | head -c 2000)
  printf '%s\\n' "$answer" | each version
}
run_version() {
  code=0
  timeout -k 1 15 $other env -i timeout -k 1 5 "$@" 2>&1 9>&- 8>&- || code=$?
  printf '\\nexit %s' "$code"
}
`;

/**
 * The same for a build that never ran here: where there is systemd as somebody who exists for that long only, without
 * network, and with all but its own files read-only. What such a user may not read is lent to it from a copy in a folder
 * that only root enters.
 */
export const askStranger = `
ask_stranger() { # FILE ARGUMENT...
  file=$1
  shift
  if in_sandbox; then
    lend
    asked "$file" "$@"
    [ -z "$scrap" ] || rm -rf "$scrap"
    scrap=
  else
    ask_version "$file" "$@"
  fi
}
in_sandbox() { # sets other
  [ "$(id -u)" = 0 ] || return 1
  other='systemd-run --quiet --pipe --wait --collect --property=DynamicUser=yes --property=PrivateNetwork=yes'
  other="$other --property=PrivateTmp=yes --property=ProtectSystem=strict --property=ProtectHome=yes"
  other="$other --property=NoNewPrivileges=yes --property=RuntimeMaxSec=10"
  timeout -k 1 10 $other true >/dev/null 2>&1 9>&- 8>&-
}
lend() { # may change file and other
  ! timeout -k 1 10 $other test -x "$file" -a -r "$file" 9>&- 8>&- || return 0
  scrap=$state/.ask.$$
  cp "$file" "$scrap" && chmod 555 "$scrap" || return 0
  other="$other --property=BindReadOnlyPaths=$scrap:/run/zeitwork-asked"
  file=/run/zeitwork-asked
}
`;
