import { placeOf } from '../base/sibling.ts';
import type { Settings } from '../config/index.ts';
import type { Alerting } from '../upgrade/http/types.ts';
import { type Finding, note, right, wrong } from './finding.ts';

const subject = 'alerts';

/** Asks for every region what fires, from where the doctor runs; what fires now is worth knowing, and ends by itself. */
export async function examineAlerts(
  { alerts, fleet }: Pick<Settings, 'alerts' | 'fleet'>,
  alerting: Alerting,
): Promise<Finding[]> {
  if (alerts === null) return [note(subject, 'nobody is asked (alerts in the settings)')];
  const { host } = new URL('url' in alerts ? alerts.url.replaceAll('{region}', 'x') : alerts.alertmanager);
  const found = await Promise.all(
    [...new Set(fleet.regions.map(({ name }) => placeOf(name)))].map(async (name): Promise<Finding | null> => {
      const said = await alerting.ask(name);
      if (said.is === 'quiet') return null;
      if (said.is === 'firing') return note(subject, `${name}: nothing is begun now, since ${said.names.join(', ')}`);
      const mend = 'until it can be asked, nothing is begun; see alerts in the settings';
      return wrong(subject, `${name}: ${host} cannot be asked: ${said.reason}; ${mend}`);
    }),
  );
  const told = found.filter((each) => each !== null);
  return told.length > 0 ? told : [right(subject, `${host}: quiet for every region`)];
}
