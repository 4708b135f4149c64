import { rows as aftercare } from './aftercare.ts';
import { rows as balancer } from './balancer.ts';
import { rows as bot } from './bot.ts';
import { rows as checks } from './checks.ts';
import { rows as comparison } from './comparison.ts';
import { rows as compatibility } from './compatibility.ts';
import { rows as core } from './core.ts';
import { rows as fleets } from './fleets.ts';
import { rows as jobs } from './jobs.ts';
import { rows as metrics } from './metrics.ts';
import { rows as migrations } from './migrations.ts';
import type { Mutant } from './mutant.ts';
import { rows as nodes } from './nodes.ts';
import { rows as report } from './report.ts';
import { rows as rims } from './rims.ts';
import { rows as siblings } from './siblings.ts';
import { rows as simulation } from './simulation.ts';
import { rows as windows } from './windows.ts';

export type { Mutant } from './mutant.ts';

export const mutants: Mutant[] = [
  ...core,
  ...nodes,
  ...jobs,
  ...bot,
  ...windows,
  ...rims,
  ...report,
  ...comparison,
  ...compatibility,
  ...checks,
  ...aftercare,
  ...balancer,
  ...metrics,
  ...migrations,
  ...fleets,
  ...siblings,
  ...simulation,
];
