import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** The newest backups, with the order that lies with each, and the numbers that the node saw last. Looks only. */
export const listBackupsScript = script(
  [fence],
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
  say end ok`,
);
