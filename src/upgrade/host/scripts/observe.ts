import { askVersion } from './ask.ts';
import { fence, numbers } from './fence.ts';
import { script } from './prelude.ts';

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
  [ ! -L "$binary" ] || say link "binary $(readlink "$binary")"
  [ ! -L "$env" ] || say link "env $(readlink "$env")"
  ! torn "$env" || say torn env
  ! stale || say stale env
  ! outlived || say outlived "$put"
}
`;

/** Which run was here last. What is damaged is told by whoever wants to change something. */
const fenced = `
fenced() {
  ! numbers "$state/epoch" || say held "$held"
}
`;

/** What runs and what lies on disk: quick, since it is asked often. */
export const lookScript = script(
  [lookAround, numbers, fenced],
  `  unit_facts
  hashes
  look_around
  fenced
  say end ok`,
);

/** The same right before a change: nobody else changes the node meanwhile, and no older try can any more. */
export const lookUnderLockScript = script(
  [fence, lookAround],
  `  enter
  unit_facts
  hashes
  look_around
  say end ok`,
);

/** All that staging and a survey want to know. With arguments after `--` it asks the binary for its version. */
export const observeScript = script(
  [lookAround, numbers, fenced, askVersion, space],
  `  unit_facts
  hashes
  look_around
  fenced
  [ "$staged" = - ] || [ ! -f "$staged" ] || say staged "$(digest staged "$staged")"
  say machine "$(uname -m)"
  bin=\${binary%/*}
  if [ -w "$bin" ]; then say writable yes; else say writable no; fi
  space home .
  space binary "$bin"
  space state "\${root%/*}"
  [ $# = 0 ] || [ -z "$disk" ] || ask_version "$binary" "$@"
  say end ok`,
);
