import { script } from './prelude.ts';

/** Gives the installed binary away, as it lies there, and changes nothing: its content follows the line that says how much it is. */
export const lendScript = script(
  [],
  `  [ -f "$binary" ] && [ ! -L "$binary" ] || refuse no-binary "$binary"
  size=$(stat -c %s "$binary")
  say content "$size"
  head -c "$size" "$binary"
  say end ok`,
);
