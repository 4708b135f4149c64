import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * A restart and nothing else: what comes up is what runs. Of the same invocation as was seen before it is done once, however often this is
 * run. What it says proves nothing; `verify` does.
 */
export const restartScript = script(
  [fence],
  `  enter
  unit_facts
  hashes
  [ "$disk" = "$target" ] || refuse drift-disk "$disk"
  case $image in '' | "$target") ;; *) refuse drift "$image" ;; esac
  [ "$before_env" = "\${environment:--}" ] || refuse drift-env "$environment"
  now=$(printf '%s\\n' "$facts" | sed -n 's/^InvocationID=//p')
  if [ "$pid" != 0 ] && [ "\${now:--}" != "$invocation" ]; then say restart skipped; else restart; fi
  say end ok`,
);
