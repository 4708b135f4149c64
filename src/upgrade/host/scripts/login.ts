import { helperPath } from '../../../base/helper-request.ts';
import { script } from './prelude.ts';

/**
 * What a login may do besides asking the helper, asked without becoming root. Where its key is bound to the helper, that
 * answers in the place of a shell, and refuses. Only what wants no password counts: nobody steals one with a key.
 */
export const loginScript = script(
  [],
  `  sudo -n -l 2>/dev/null | while read -r line; do
    case $line in
      '(root) NOPASSWD: ${helperPath} ""') ;;
      *NOPASSWD:* | *!authenticate*) say root "$line" ;;
    esac
  done
  say end ok`,
);
