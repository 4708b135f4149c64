import type { Build } from '../../upgrade/ledger/types.ts';
import type { Facts } from '../context.ts';
import { iso } from './instants.ts';

export function buildFacts({ version, number, by, at, source, state, stopping }: Build): Facts {
  return {
    version,
    number,
    by,
    askedAt: iso(at),
    tag: source?.tag ?? null,
    commit: source?.commit ?? null,
    signedBy: source?.signedBy ?? null,
    is: state.is,
    stopping: stopping === undefined ? null : stopping.by,
    archiveSha256: state.is === 'built' ? state.archiveSha256 : null,
    binarySha256: state.is === 'built' ? state.binarySha256 : null,
    reason: state.is === 'failed' ? state.reason : null,
    last: state.is === 'failed' ? state.last : [],
    endedAt: state.is === 'built' || state.is === 'failed' ? iso(state.at) : null,
  };
}
