/**
 * Somebody's work is kept when a person decided that it is to be replaced: under its time and hash, with owner, mode and
 * attributes. The newest eight stay; what is removed is said, and written down beside them.
 */
export const aside = `
keep_aside() { # WHAT FILE SHA256
  short=$(printf '%.12s' "$3")
  mkdir -p "$state/aside"
  for kept in "$state/aside"/*-"$1-$short"*; do
    if [ -f "$kept" ] && [ "$(fresh "$kept")" = "$3" ]; then
      say aside "$kept"
      return 0
    fi
  done
  kept=$state/aside/$(date -u +%Y%m%dT%H%M%SZ)-$1-$short
  [ ! -e "$kept" ] || kept=$kept.$$
  scrap=$state/aside/.new.$$
  # a second name needs no room; not for what only runs, nor across file systems
  ln "$2" "$scrap" 2>/dev/null || cp --preserve=all "$2" "$scrap"
  sum=$(fresh "$scrap")
  [ "$sum" = "$3" ] || refuse changed "$2"
  sync "$scrap"
  mv -T "$scrap" "$kept"
  scrap=
  sync "$state/aside"
  say aside "$kept"
  note "put \${kept##*/} aside"
  ls -1r "$state/aside" | tail -n +9 | while IFS= read -r old; do
    [ "$old" != "\${kept##*/}" ] || continue
    rm -f "$state/aside/$old"
    say pruned "$state/aside/$old"
    note "removed $old: the newest eight are kept"
  done
}
note() { # TEXT: only a record, so it may fail
  { printf '%s %s\\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$1" >>"$state/aside.log"; } 2>/dev/null || :
}
`;
