import type { Command } from '../upgrade/ssh/types.ts';

/** What the steps call on a node, besides what every shell brings. */
const tools = ['flock', 'timeout', 'sha256sum', 'tar', 'gzip', 'stat', 'sync', 'mv', 'systemctl'];

const script = `
for tool in ${tools.join(' ')}; do
  command -v "$tool" >/dev/null 2>&1 || printf '@@zw missing %s\\n' "$tool"
done
printf '@@zw clock %s\\n' "$(date +%s.%N)"
printf '@@zw end ok\\n'
`;

/** Reads the clock and looks for tools; changes nothing. */
export const lookAround = (timeoutMs: number): Command => ({
  name: 'look around',
  script,
  args: [],
  sudo: true,
  timeoutMs,
});
