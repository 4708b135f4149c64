import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Health, Probe } from '../../../src/upgrade/http/types.ts';
import type { Release } from '../../../src/upgrade/rollout/types.ts';
import { openContent } from '../../../src/upgrade/ssh/content.ts';
import type { Command, Outcome, Shell, Transfer } from '../../../src/upgrade/ssh/types.ts';

const systemctl = `#!/bin/sh
# A unit whose process is a directory proc/PID with a hard link to the image that was started.
case $1 in
  show)
    read -r pid <pid
    printf 'NRestarts=0\\nExecMainStatus=0\\nMainPID=%s\\nInvocationID=run-%s\\n' "$pid" "$pid"
    printf 'Result=success\\nLoadState=loaded\\nActiveState=active\\nSubState=running\\n'
    program=$(cat program 2>/dev/null) || program=usr/local/bin/zeitwork-operator
    printf 'ExecStart={ path=%s ; argv[]=%s --token=s3cret ; ignore_errors=no }\\n' "$program" "$program" ;;
  restart)
    read -r pid <pid
    rm -rf "proc/$pid"
    pid=$((pid + 1))
    mkdir "proc/$pid"
    program=$(cat program 2>/dev/null) || program=usr/local/bin/zeitwork-operator
    ln "$program" "proc/$pid/exe"
    sed -n '/=/p' etc/zeitwork/operator.env 2>/dev/null | tr '\\n' '\\000' >"proc/$pid/environ"
    echo "$pid" >pid ;;
  status) echo 'active (running)' ;;
esac
`;

const prefixes = ['/usr/local/bin/', '/etc/zeitwork/', '/var/lib/zeitwork-upgrades', '/proc/'];

export const sha256 = (data: string | Buffer) => createHash('sha256').update(data).digest('hex');

/** A build: a small script that knows its version. */
export const build = (version: string) => `#!/bin/sh\necho "zeitwork-operator ${version}"\n`;

/** An archive with one build, and the release that describes it. */
export function packed(
  folder: string,
  version: string,
  says = version,
  binary: string | Buffer = build(says),
): Release & { path: string } {
  mkdirSync(join(folder, 'build'), { recursive: true });
  writeFileSync(join(folder, 'build/zeitwork-operator'), binary, { mode: 0o755 });
  const archive = `zeitwork-operator-${version}.tar.gz`;
  const path = join(folder, archive);
  execFileSync('tar', ['-czf', path, 'build/zeitwork-operator'], { cwd: folder });
  const data = readFileSync(path);
  return {
    version,
    archive,
    archiveSha256: sha256(data),
    binarySha256: sha256(binary),
    archiveBytes: data.length,
    binaryBytes: binary.length,
    signed: null,
    path,
  };
}

/** A node in a directory: the real scripts under /bin/sh, by an ordinary user, with absolute paths moved below it. */
export class LittleNode implements Shell, Probe {
  readonly root = mkdtempSync(join(tmpdir(), 'little-node-'));
  /** Printed before each command's own output, as a login banner would be. */
  banner = '';
  /** Called with each command just before it runs. */
  onCommand: (command: Command) => void = () => {};
  readonly commands: string[] = [];

  constructor(version: string) {
    // Nobody must be able to run what lies in it: root asks a binary for its version as nobody.
    chmodSync(this.root, 0o755);
    for (const folder of ['bin', 'usr/local/bin', 'etc/zeitwork', 'var/lib', 'proc', 'home']) {
      mkdirSync(join(this.root, folder), { recursive: true });
    }
    this.write('bin/systemctl', systemctl.replace('#!/bin/sh', `#!/bin/sh\ncd ${this.root}`), 0o755);
    this.write(
      'bin/journalctl',
      '#!/bin/sh\necho "2026-11-22T23:35:22+0000 n op[1]: level=FATAL msg=\\"no table\\""\n',
      0o755,
    );
    this.write('bin/chown', '#!/bin/sh\n', 0o755);
    // No systemd starts a sandbox here, whatever the machine of the tests has.
    this.write('bin/systemd-run', '#!/bin/sh\nexit 1\n', 0o755);
    this.write('usr/local/bin/zeitwork-operator', build(version), 0o755);
    this.write('etc/zeitwork/operator.env', 'DATABASE_URL=postgres://zw:s3cret@db/zw\n', 0o640);
    this.write('pid', '1\n');
    this.exec('systemctl restart zeitwork-operator');
  }

  path = (name: string) => join(this.root, name);
  read = (name: string) => readFileSync(this.path(name), 'utf8');
  has = (name: string) => existsSync(this.path(name));
  modeOf = (name: string) => (statSync(this.path(name)).mode & 0o777).toString(8);
  /** How often the service was started since the node was made. */
  restarts = () => Number(this.read('pid')) - 2;

  write(name: string, text: string, mode = 0o644): void {
    rmSync(this.path(name), { force: true });
    mkdirSync(dirname(this.path(name)), { recursive: true });
    writeFileSync(this.path(name), text, { mode });
  }

  exec(command: string): string {
    return execFileSync('sh', ['-c', command], { cwd: this.root, env: this.environment(), encoding: 'utf8' });
  }

  /** Every file but the bookkeeping of hashes and tries, with its content's hash. */
  snapshot(): string {
    const files = 'find usr etc var proc -type f ! -path "*/digests/*" ! -name epoch -exec sha256sum {} +';
    return this.exec(`${files} | sort; cat pid`);
  }

  private environment = () => ({ PATH: `${this.root}/bin:/usr/bin:/bin`, LC_ALL: 'C' });
  /** The text with absolute paths moved below this node's folder. */
  move = (text: string) => prefixes.reduce((moved, prefix) => moved.replaceAll(prefix, `${this.root}${prefix}`), text);

  run(_node: string, command: Command): Promise<Outcome> {
    this.commands.push(command.name);
    this.onCommand(command);
    const child = spawn('sh', ['-s', '--', ...command.args.map(this.move)], {
      cwd: this.path('home'),
      env: this.environment(),
    });
    let stdout = this.banner;
    let stderr = '';
    const content = command.into === undefined ? null : openContent(command.into);
    child.stdout.on('data', (chunk: Buffer) => {
      stdout += (content?.text(chunk) ?? chunk).toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      stderr += chunk.toString();
    });
    child.stdin.on('error', () => {});
    child.stdin.end(this.move(command.script));
    return new Promise((resolve) => {
      child.on('close', (code) => {
        content?.close();
        resolve({ is: 'exited', code: code ?? 255, stdout, stderr });
      });
    });
  }

  async put(_node: string, from: string | Buffer, remotePath: string): Promise<Transfer> {
    const target = join(this.path('home'), remotePath);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, typeof from === 'string' ? readFileSync(from) : from);
    return { is: 'sent', bytes: statSync(target).size };
  }

  async health(): Promise<Health> {
    const image = this.read(`proc/${Number(this.read('pid'))}/exe`);
    return { is: 'healthy', version: /v[\d.]+/.exec(image)?.[0] ?? null, hostname: null };
  }

  async close(): Promise<void> {
    rmSync(this.root, { recursive: true, force: true });
  }
}
