import type { AuthContext, Connection, ParsedKey, PublicKeyAuthContext, Server, ServerChannel, Session } from 'ssh2';
import ssh2 from 'ssh2';
import type { Commands } from './exec.ts';
import { type Disk, serveSftp } from './sftp.ts';

export interface SshService {
  commands: Commands;
  disk: Disk;
  /** The only key that is let in, for user `ops`. */
  clientKey: ParsedKey;
  /** Called with each command line as it came. */
  seen(line: string): void;
}

/** As sshd's MaxSessions. */
const maxSessions = 10;

/**
 * An SSH server that never listens by itself: hand it sockets with `injectSocket`.
 * It names itself OpenSSH, since clients choose packet sizes by that.
 */
export function sshServer(hostKey: string, service: SshService): Server {
  return new ssh2.Server({ hostKeys: [hostKey], ident: 'OpenSSH_9.2p1 zeitwork-sandbox' }, (connection) =>
    serve(connection, service),
  );
}

function serve(connection: Connection, service: SshService): void {
  let open = 0;
  connection.on('error', () => {});
  connection.on('authentication', (context) => authenticate(context, service.clientKey));
  connection.on('session', (accept, reject) => {
    if (open >= maxSessions) return reject();
    open++;
    let over = false;
    const closed = () => {
      if (!over) open--;
      over = true;
    };
    serveSession(accept(), service, closed);
  });
}

function serveSession(session: Session, service: SshService, closed: () => void): void {
  session.once('close', closed).on('error', () => {});
  session.on('exec', (accept, _reject, { command }) => {
    service.seen(command);
    const channel: ServerChannel = accept();
    channel.once('close', closed);
    const running = service.commands.run(command, channel);
    session.on('signal', (_accept, _reject, { name }) => running.kill(signalOf(name)));
  });
  session.on('sftp', (accept) => {
    const sftp = accept();
    sftp.once('close', closed);
    serveSftp(sftp, service.disk);
  });
}

function signalOf(name: string): NodeJS.Signals {
  const known: NodeJS.Signals[] = ['SIGHUP', 'SIGINT', 'SIGKILL', 'SIGQUIT', 'SIGTERM', 'SIGUSR1', 'SIGUSR2'];
  return known.find((signal) => signal === `SIG${name}`) ?? 'SIGTERM';
}

function authenticate(context: AuthContext, allowed: ParsedKey): void {
  if (context.method === 'publickey' && context.username === 'ops' && proves(context, allowed)) context.accept();
  else context.reject(['publickey']);
}

/** The right key; its signature too, once the client has been told that the key would do. */
function proves({ key, blob, signature, hashAlgo }: PublicKeyAuthContext, allowed: ParsedKey): boolean {
  if (!allowed.getPublicSSH().equals(key.data)) return false;
  return signature === undefined || (blob !== undefined && allowed.verify(blob, signature, hashAlgo) === true);
}
