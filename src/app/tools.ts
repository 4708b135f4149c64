import type { Json } from '../bot/context.ts';
import type { Settings } from '../config/index.ts';
import { completionFor } from './cli/completion.ts';
import type { End } from './cli/exit.ts';
import { jsonLine } from './cli/json.ts';
import { stoppable } from './cli/live.ts';
import type { Read } from './cli/read.ts';
import type { Tool } from './cli/words.ts';

export async function run(name: Tool, { operand, values }: Read): Promise<End> {
  switch (name) {
    case 'doctor':
      return doctor(values.has('json'));
    case 'manifest':
      return manifest();
    case 'keys':
      return (await import('./keys.ts')).printKeys(
        operand === 'bot' || operand === 'worker' || operand === 'release' ? operand : null,
      );
    case 'audit':
      return (await import('./audit.ts')).auditJournals(operand, {
        head: values.get('head')?.[0] ?? null,
        file: values.get('file')?.[0] ?? null,
        pack: values.get('pack')?.[0] ?? null,
        json: values.has('json'),
      });
    case 'completion':
      console.log(completionFor(operand === 'zsh' ? 'zsh' : 'bash'));
      return 'done';
    case 'export': {
      const { exportRollouts } = await import('./export.ts');
      return exportRollouts(operand, values.has('all'));
    }
    case 'helper': {
      const { printHelper } = await import('./helper.ts');
      return printHelper(operand, values.get('node')?.[0] ?? null);
    }
    case 'return': {
      const { returnNode } = await import('./return.ts');
      return returnNode(operand ?? '', values.has('yes'));
    }
    case 'watch': {
      const { watchRollout } = await import('./watch.ts');
      return watchRollout(operand, values.has('json'));
    }
  }
}

async function doctor(json: boolean): Promise<End> {
  const { examine } = await import('../doctor/index.ts');
  const { settingsNamed } = await import('./open.ts');
  const { fleetsIn } = await import('./cli/fleets.ts');
  const { neighbourThatRan } = await import('./neighbour.ts');
  const { createLog } = await import('./log.ts');
  const { knownSigners } = await import('./decision-key.ts');
  const ended = await stoppable(async (asked): Promise<End> => {
    let end: End = 'done';
    const findings: Json[] = [];
    const log = createLog('cli', 'warn');
    const options = {
      signers: knownSigners,
      fleets: fleetsIn(process.env),
      neighbour: (own: Settings, known: readonly Settings[]) => neighbourThatRan(own, known, log),
    };
    for await (const { ok, line, finding } of examine(settingsNamed(), process.env, options)) {
      if (asked.aborted) return 'interrupted';
      if (!json) console.log(line);
      findings.push({ ...finding });
      if (!ok) end = 'wrong';
    }
    if (json) console.log(jsonLine('doctor', end, Date.now(), { findings }));
    return end;
  });
  return ended ?? 'interrupted';
}

async function manifest(): Promise<End> {
  const { manifestLink, readManifest } = await import('../bot/manifest.ts');
  console.log(manifestLink(await readManifest()));
  return 'done';
}
