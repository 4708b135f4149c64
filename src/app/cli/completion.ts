import { isVerb, type Verb, verbs } from '../../bot/command.ts';
import { flagsOf } from '../../bot/parse.ts';
import { strategyNames } from '../../upgrade/rollout/types.ts';
import { asFlags } from './as.ts';
import { ownWords } from './words.ts';

const common = ['--help', '--version'];
const flags = (names: string[]) => names.map((name) => `--${name}`);

/** What may follow a word of this command line. */
interface Following {
  words: string[];
  /** The values of a flag, by its name; an empty list when they are free. */
  values: Record<string, readonly string[]>;
}

function operandsOf(verb: Verb): readonly string[] {
  if (verb === 'help') return [...verbs, ...Object.keys(ownWords)];
  return ['rollback', 'freeze', 'unfreeze'].includes(verb) ? ['all'] : [];
}

/** Made from the parser's own verbs and flags, so that it never offers what is not understood. */
export function followings(): Record<string, Following> {
  const ofVerbs = verbs.filter(isVerb).map((verb): [string, Following] => {
    const shape = Object.entries(flagsOf[verb] ?? {});
    const operands = operandsOf(verb);
    const withValue = shape.filter(([, takes]) => takes !== 'none');
    return [
      verb,
      {
        words: [...operands, ...flags([...shape.map(([name]) => name), ...asFlags]), '--json', ...common],
        values: Object.fromEntries(withValue.map(([name]) => [name, name === 'strategy' ? strategyNames : []])),
      },
    ];
  });
  const ofOwn = Object.entries(ownWords).map(([name, word]): [string, Following] => [
    name,
    {
      words: [...(word.operand?.choices ?? []), ...flags(Object.keys(word.flags)), ...common],
      values: Object.fromEntries(
        Object.entries(word.flags).flatMap(([flag, { value, choices }]) => (value === null ? [] : [[flag, choices]])),
      ),
    },
  ]);
  return Object.fromEntries([...ofOwn, ...ofVerbs]);
}

/** A script that completes `zeitwork` in that shell. It asks nobody: no settings, no Redis, no node is needed for it. */
export function completionFor(shell: 'bash' | 'zsh'): string {
  return shell === 'bash' ? bash() : zsh();
}

/** `case` branches, the same in both shells: what is offered after `$before`, the word before the one that is completed. */
function branches(): string {
  const all = Object.entries(followings());
  const ofValues = all.flatMap(([word, { values }]) =>
    Object.entries(values).map(([flag, choices]) => `    '${word} --${flag}') offered='${choices.join(' ')}' ;;`),
  );
  const ofWords = all.map(([word, { words }]) => `    '${word} '*) offered='${words.join(' ')}' ;;`);
  return [...ofValues, ...ofWords].join('\n');
}

const first = () => [...Object.keys(ownWords), ...verbs, ...common].join(' ');

const bash = () => `# Completes zeitwork in bash: eval "$(zeitwork completion bash)"
_zeitwork() {
  local current=\${COMP_WORDS[COMP_CWORD]} before=\${COMP_WORDS[COMP_CWORD-1]} offered=
  if [ "$COMP_CWORD" -eq 1 ]; then offered='${first()}'
  else case "\${COMP_WORDS[1]} $before" in
${branches()}
  esac; fi
  COMPREPLY=($(compgen -W "$offered" -- "$current"))
}
complete -F _zeitwork zeitwork`;

const zsh = () => `#compdef zeitwork
# Completes zeitwork in zsh: eval "$(zeitwork completion zsh)", after compinit
_zeitwork() {
  local before="\${words[CURRENT-1]}" offered=
  if (( CURRENT == 2 )); then offered='${first()}'
  else case "\${words[2]} $before" in
${branches()}
  esac; fi
  compadd -- \${=offered}
}
if [ "\${funcstack[1]}" = _zeitwork ]; then _zeitwork; else compdef _zeitwork zeitwork; fi`;
