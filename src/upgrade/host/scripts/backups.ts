import { fence } from './fence.ts';
import { script } from './prelude.ts';

/**
 * Where a restart would not bring up the binary: only of a program that the unit starts itself and that runs now. A unit may as well
 * start the binary by way of another program. Its arguments stay on the node.
 */
const another = `
another() {
  shown=$(systemctl show "$unit" -p MainPID -p ExecStart 2>/dev/null) || return 0
  pid=$(printf '%s\\n' "$shown" | sed -n 's/^MainPID=//p')
  program=$(printf '%s\\n' "$shown" | sed -n 's/^ExecStart={ path=\\([^ ]*\\) ;.*/\\1/p' | head -n 1)
  [ -n "$program" ] && [ "/proc/\${pid:-0}/exe" -ef "$program" ] || return 0
  [ "$program" -ef "$binary" ] || say starts "$program"
}
`;

/** The newest backups, with the order that lies with each, and the numbers that the node saw last. Looks only. */
export const listBackupsScript = script(
  [fence, another],
  `  numbers "$state/epoch" || refuse epoch "$state/epoch"
  say held "$held"
  for place in "$state/backups" "$root/backups"; do # versions before 0.2 kept the pairs of all units in the second
    [ -d "$place" ] || continue
    ls -1t "$place" | head -n 20 | while IFS= read -r name; do
      kept=$place/$name
      [ -f "$kept/manifest" ] || continue
      [ "$place" = "$state/backups" ] || [ "$(sed -n 's/^env [0-9a-f-]* //p' "$kept/manifest")" = "$env" ] || continue
      was=$(sed -n 's/^version //p' "$kept/manifest" | head -n 1)
      sum=$(sed -n 's/^binary \\([0-9a-f]*\\) .*/\\1/p' "$kept/manifest" | head -n 1)
      environment=$(sed -n 's/^env \\([0-9a-f-]*\\) .*/\\1/p' "$kept/manifest" | head -n 1)
      say backup "$name $sum $environment $was"
      [ ! -f "$kept/return" ] || say return "$name $(tr '\\n' ' ' <"$kept/return")"
    done
  done
  another
  say end ok`,
);
