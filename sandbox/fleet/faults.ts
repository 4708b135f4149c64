/** What can be done to one node, with the words for a menu. */
export const faults = [
  { id: 'stop-service', label: 'Stop the service' },
  { id: 'start-service', label: 'Start the service' },
  { id: 'drop-network', label: 'Cut the network (silence)' },
  { id: 'restore-network', label: 'Restore the network' },
  { id: 'kill-sshd', label: 'Kill sshd' },
  { id: 'start-sshd', label: 'Start sshd' },
  { id: 'break-sudo', label: 'Make sudo want a password' },
  { id: 'fix-sudo', label: 'Mend sudo' },
  { id: 'fill-disk', label: 'Fill the disk' },
  { id: 'free-disk', label: 'Free the disk' },
  { id: 'change-hostkey', label: 'Show another host key' },
  { id: 'restore-hostkey', label: 'Show the right host key again' },
  { id: 'lose-files', label: 'Lose binary and environment (try recover)' },
  { id: 'by-hand', label: 'Change it by hand: another binary (try drift)' },
  { id: 'lose-unit', label: 'Lose the unit file' },
  { id: 'old-agent', label: 'Run an old agent (v1.0.4) there' },
  { id: 'new-agent', label: 'Upgrade its agent' },
  { id: 'count-errors', label: 'Count errors in /metrics (try verify)' },
  { id: 'lose-metrics', label: 'Have no /metrics' },
  { id: 'slow-api', label: 'Answer /api after 8 s' },
  { id: 'usual-answers', label: 'Answer as usual again' },
  { id: 'reboot', label: 'Reboot' },
  { id: 'heal', label: 'Mend everything' },
] as const;

export type FaultId = (typeof faults)[number]['id'];

/** Throws for a name that is no fault, with the names that are. */
export function faultNamed(id: string): FaultId {
  const fault = faults.find((candidate) => candidate.id === id);
  if (!fault) throw new Error(`"${id}" is no fault; there are: ${faults.map((known) => known.id).join(', ')}`);
  return fault.id;
}
