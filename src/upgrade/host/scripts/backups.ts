import { fence } from './fence.ts';
import { script } from './prelude.ts';

/** The newest backups, with the order that lies with each, and the numbers that the node saw last. Looks only. */
export const listBackupsScript = script(
  [fence],
  `  numbers "$state/epoch" || refuse epoch "$state/epoch"
  say held "$held"
  [ -d "$state/backups" ] || { say end ok; return 0; }
  ls -1t "$state/backups" | head -n 5 | while IFS= read -r name; do
    kept=$state/backups/$name
    [ -f "$kept/manifest" ] || continue
    was=$(sed -n 's/^version //p' "$kept/manifest" | head -n 1)
    sum=$(sed -n 's/^binary \\([0-9a-f]*\\) .*/\\1/p' "$kept/manifest" | head -n 1)
    environment=$(sed -n 's/^env \\([0-9a-f-]*\\) .*/\\1/p' "$kept/manifest" | head -n 1)
    say backup "$name $sum $environment $was"
    [ ! -f "$kept/return" ] || say return "$name $(tr '\\n' ' ' <"$kept/return")"
  done
  say end ok`,
);
