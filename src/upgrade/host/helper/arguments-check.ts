/**
 * What a caller may say, and what the policy says instead of it. A value that differs from the policy's is refused, not
 * mended: the settings and the policy are to be brought together.
 */
export const argumentsCheck = `
trusted() { # FILE: root's own, and nobody else may write to it
  [ -f "$1" ] && [ ! -L "$1" ] || refuse policy "there is no $1"
  mode_of=$(stat -c '%u %a' "$1")
  case $mode_of in '0 '*[2367]? | '0 '*[2367]) refuse policy "others may write to $1" ;; '0 '*) ;; *) refuse policy "$1 is not root's" ;; esac
}
check_unit() {
  unit=\${unit%.service}
  case $unit in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9:_.@-]*) refuse argument unit ;; esac
  state=$root/$unit
}
read_policy() {
  policy=$settings/$unit.policy
  signers=$settings/$unit.signers
  trusted "$policy"
  fleet=; node=; its_binary=; its_env=; its_owner=; its_mode=; its_limit=0; version_words=; drain_words=; undrain_words=; program_words=; check_lines=; keys=
  while IFS= read -r line; do
    value=\${line#* }
    case $line in
      'fleet '*) fleet=$value ;;
      'node '*) node=$value ;;
      'binary '*) its_binary=$value ;;
      'env '*) its_env=$value ;;
      'owner '*) its_owner=$value ;;
      'mode '*) its_mode=$value ;;
      'archive-limit '*) its_limit=$value ;;
      'version '*) version_words="$version_words$value$nl" ;;
      'drain '*) drain_words="$drain_words$value$nl" ;;
      'undrain '*) undrain_words="$undrain_words$value$nl" ;;
      'program '*) program_words="$program_words$value$nl" ;;
      'check '*) check_lines="$check_lines$value$nl" ;;
      'key '*) keys="$keys$value$nl" ;;
      *) refuse policy "$policy holds an unknown line" ;;
    esac
  done <"$policy"
  [ -n "$fleet" ] && [ -n "$node" ] && [ -n "$its_binary" ] && [ -n "$its_env" ] || refuse policy "$policy is not whole"
}
number() { # WHAT VALUE
  case $2 in '' | *[!0-9]* | 0?* | ???????????????????*) refuse argument "$1" ;; esac
}
sha() { # WHAT VALUE
  case $2 in *[!0-9a-f]*) refuse argument "$1" ;; esac
  [ "\${#2}" = 64 ] || refuse argument "$1"
}
word() { # WHAT VALUE: the name of a file
  case $2 in '' | [!A-Za-z0-9]* | *[!A-Za-z0-9._+-]*) refuse argument "$1" ;; esac
}
same() { # WHAT VALUE POLICY'S
  [ "$2" = "$3" ] || refuse policy "$1 is another one than in $policy"
}
words_of_check() { # the words of the check that is named, as the policy has them
  printf %s "$check_lines" | while IFS= read -r line; do
    case $line in "$check "*) printf '%s\\n' "\${line#* }" ;; esac
  done
}
key_is_lent() {
  case $wanted in '' | [0-9]* | *[!A-Za-z0-9_]*) refuse argument wanted ;; esac
  case "$nl$keys" in *"$nl$wanted$nl"*) ;; *) refuse policy "$policy lends no $wanted" ;; esac
}
backup_is_named_by_its_hashes() { # so that it cannot be taken for one without an environment file
  [ -n "$before" ] && [ "\${backup:--}" != - ] || return 0
  its_name=$version-\${before%"\${before#????????????}"}-noenv
  [ "$before_env" = - ] || its_name=\${its_name%noenv}\${before_env%"\${before_env#????????}"}
  [ "\${backup##*/}" = "$its_name" ] || refuse argument backup
}
check_arguments() {
  number limit "$limit"
  [ "$limit" -gt 0 ] && [ "$limit" -le 7200 ] || refuse argument limit
  same binary "$binary" "$its_binary"
  same env "$env" "$its_env"
  [ -z "$owner" ] || same owner "$owner" "$its_owner"
  [ -z "$mode" ] || same mode "$mode" "$its_mode"
  for pair in "epoch:$epoch" "try:$try" "bytes:$bytes"; do [ -z "\${pair#*:}" ] || number "\${pair%%:*}" "\${pair#*:}"; done
  for pair in "target:$target" "uploaded:$uploaded" "before:$before"; do [ -z "\${pair#*:}" ] || sha "\${pair%%:*}" "\${pair#*:}"; done
  [ -z "$before_env" ] || [ "$before_env" = - ] || sha before_env "$before_env"
  for given in "$replace_disk" "$replace_image" "$replace_env" "$keep_env"; do
    [ -z "$given" ] || [ "$given" = missing ] || sha decided "$given"
  done
  # no change of configuration is made here: whose work lies there nobody may say in passing
  case $new_env in '' | -) ;; *) refuse argument new_env ;; esac
  [ -z "$version" ] || word version "$version"
  case $prune in '' | yes | no) ;; *) refuse argument prune ;; esac
  case $staged in
    '' | -) ;;
    "$binary".*.staged) word staged "\${staged#"$binary".}" ;;
    *) refuse argument staged ;;
  esac
  case $backup in
    '' | -) ;;
    "$state"/backups/*) word backup "\${backup#"$state"/backups/}" ;;
    "$state"/recovered/*) word backup "\${backup#"$state"/recovered/}" ;;
    *) refuse argument backup ;;
  esac
  backup_is_named_by_its_hashes
  case $spare in
    '' | -) ;;
    "$state"/backups/*) word spare "\${spare#"$state"/backups/}" ;;
    *) refuse argument spare ;;
  esac
  for pair in "keep:$keep" "older:$older"; do [ -z "\${pair#*:}" ] || number "\${pair%%:*}" "\${pair#*:}"; done
  case $priority in '' | crit | err | warning) ;; *) refuse argument priority ;; esac
  [ -z "$seconds" ] || number seconds "$seconds"
  [ -z "$check" ] || word check "$check"
  [ "$verb" != lend-key ] || key_is_lent
  case $env_from in '' | -) ;; *) word env_from "$env_from" ;; esac
  case $invocation in *[!a-z0-9_-]*) refuse argument invocation ;; esac
  # whoever ends a stop halfway leaves a node on neither build
  case $verb in stage | gather | switch | restore | restart) [ "$limit" -ge 60 ] || refuse argument limit ;; esac
  [ -z "$bytes" ] || [ "$bytes" -le "$its_limit" ] || refuse size "$bytes $its_limit"
  case $verb in
    drain) same words "$words" "$drain_words" ;;
    undrain) same words "$words" "$undrain_words" ;;
    run-check) same words "$words" "$(words_of_check)$nl" ;;
    look-around) same words "$words" "$program_words" ;;
    observe | backup) [ -z "$words" ] || same words "$words" "$version_words" ;;
    *) [ -z "$words" ] || refuse argument words ;;
  esac
}
`;
