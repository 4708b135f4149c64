import { once } from 'node:events';
import type { Server, Socket } from 'node:net';

/** Servers of a test on free ports; `closeAll` cuts their connections, too. */
export function listening() {
  const open: { server: Server; sockets: Set<Socket> }[] = [];
  return {
    /** The address without a path. */
    async listen(server: Server): Promise<string> {
      const sockets = new Set<Socket>();
      server.on('connection', (socket: Socket) => sockets.add(socket));
      open.push({ server, sockets });
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      if (address === null || typeof address === 'string') throw new Error('no port');
      return `http://127.0.0.1:${address.port}`;
    },
    closeAll(): void {
      for (const { server, sockets } of open.splice(0)) {
        for (const socket of sockets) socket.destroy();
        server.close();
      }
    },
  };
}
