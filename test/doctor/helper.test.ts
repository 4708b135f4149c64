import { createHash } from 'node:crypto';
import { appendFileSync, rmSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest';
import { helperPath } from '../../src/base/helper-request.ts';
import { examineNode } from '../../src/doctor/nodes.ts';
import { tellNodes } from '../../src/doctor/together.ts';
import { policyPath, policyText, signersText } from '../../src/upgrade/host/helper/policy.ts';
import { helperScript } from '../../src/upgrade/host/helper/script.ts';
import type { Shell } from '../../src/upgrade/ssh/types.ts';
import { HelperTrial, node } from '../upgrade/steps/helper-node.ts';
import { service } from '../upgrade/steps/support.ts';

const sha256 = (text: string) => createHash('sha256').update(text).digest('hex');
const trial = new HelperTrial();
beforeAll(() => trial.open());
afterAll(() => trial.close());

/** What the doctor says of the node, in one line. `wanted`: other parts than those that these settings make. */
async function told(wanted: Record<string, string> = {}, shell: Shell = trial.shell): Promise<string> {
  const made = {
    helper: sha256(trial.moved(helperScript())),
    policy: sha256(trial.moved(policyText('trial', node, service))),
    signers: sha256(signersText([trial.decisions.public])),
    ...wanted,
  };
  const parts = { service, shell, probe: trial.node, now: Date.now, helper: () => made, largest: null };
  const look = await examineNode({ name: node, region: 'us-east' }, parts);
  const hosts = { [node]: trial.sshd.host({ name: node }) };
  const [finding] = tellNodes([look], { hosts, healthUrls: {}, unit: service.unit });
  return `${finding?.is}: ${finding?.text}`;
}

describe('the doctor, of a node with a helper', () => {
  it('finds nothing of the helper to complain about when it is what these settings make', async () => {
    expect(await told()).not.toContain('its helper');
  });

  const anew = `install it anew, as root there: \`zeitwork helper install --node ${node}\` prints a script for sh`;

  it('names a helper of another version, and how it is put right', async () => {
    const older = sha256(trial.moved(helperScript()).replace('about', 'ab0ut'));
    expect(await told({ helper: older })).toBe(`wrong: its helper is not what these settings make: helper; ${anew}`);
  });

  it.each([
    ['policy', policyPath(service)],
    ['helper', helperPath],
  ])('names a %s that was changed on the node', async (part, path) => {
    const file = trial.node.path(`.${path}`);
    const before = trial.node.read(`.${path}`);
    appendFileSync(file, '# one line more\n');
    onTestFinished(() => trial.node.write(`.${path}`, before, part === 'helper' ? 0o755 : 0o644));
    expect(await told()).toBe(`wrong: its helper is not what these settings make: ${part}; ${anew}`);
  });

  it('names a helper that is not there, and says nothing else of the node', async () => {
    const before = trial.node.read(`.${helperPath}`);
    rmSync(trial.node.path(`.${helperPath}`));
    onTestFinished(() => trial.node.write(`.${helperPath}`, before, 0o755));
    expect(await told()).toMatch(/^wrong: its helper does not answer: [^;]+; install it anew, as root there: [^;]+$/);
  });

  /** The login opens a shell besides: what is no request to the helper is run by the node itself, where sudo says this. */
  const besides = (sudo: string): Shell => {
    trial.node.write('bin/sudo', `#!/bin/sh\n[ "$*" = '-n -l' ] || exit 1\ncat <<'END'\n${sudo}\nEND\n`, 0o755);
    onTestFinished(() => rmSync(trial.node.path('bin/sudo')));
    return {
      ...trial.shell,
      run: (name, command, signal) => (command.sudo ? trial.shell : trial.node).run(name, command, signal),
    };
  };
  const heading = `Runas and Command-specific defaults for zw:\n    Defaults!${helperPath} env_reset, !setenv\n
User zw may run the following commands on ${node}:`;
  const own = `    (root) NOPASSWD: ${helperPath} ""`;

  it('tells whether its key opens the helper alone', async () => {
    expect(await told()).toMatch(/^right: .*helper as it should be, its key opens nothing else$/);
    expect(await told({}, besides(`${heading}\n${own}`))).toMatch(
      /^right: .*helper as it should be, but its key opens a shell as well$/,
    );
  });

  it.each([
    '(ALL) NOPASSWD: ALL',
    `(root) NOPASSWD: ${helperPath}`,
    '(ALL : ALL) PASSWD: /usr/bin/apt, NOPASSWD: /usr/bin/systemctl restart ssh',
  ])('names what else lets its login become root: %s', async (line) => {
    expect(await told({}, besides(`${heading}\n${own}\n    ${line}`))).toMatch(
      new RegExp(
        `^wrong: its login becomes root by more than the helper: ${line.replace(/[()]/g, '.')}; take that out`,
      ),
    );
  });

  it('minds no command that wants a password, which nobody steals with a key', async () => {
    expect(await told({}, besides(`${heading}\n${own}\n    (ALL : ALL) ALL`))).toMatch(/^right: /);
  });
});
