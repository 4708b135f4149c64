import { createServer, type Server, type Socket } from 'node:net';

/**
 * A port of a node that can be shut (refused), or cut off from the network (silence) and joined again.
 * Ports are taken below the range from which the kernel gives out client ports, so that nothing
 * takes one while its door is shut.
 */
export class Door {
  readonly port: number;
  readonly #enter: (socket: Socket) => void;
  readonly #sockets = new Set<Socket>();
  readonly #waiting = new Set<Socket>();
  #server: Server | null = null;
  #silent = false;

  private constructor(port: number, enter: (socket: Socket) => void) {
    this.port = port;
    this.#enter = enter;
  }

  /** Finds a free port and opens there. */
  static async onFreePort(enter: (socket: Socket) => void): Promise<Door> {
    for (let tries = 0; tries < 200; tries++) {
      const door = new Door(15_000 + Math.floor(Math.random() * 17_000), enter);
      if (await door.open().then(() => true, inUse)) return door;
    }
    throw new Error('no free port between 15000 and 32000 on 127.0.0.1');
  }

  async open(): Promise<void> {
    if (this.#server) return;
    const server = createServer({ noDelay: true }, (socket) => this.#arrive(socket));
    this.#server = server;
    server.once('error', () => {
      this.#server = null;
    });
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(this.port, '127.0.0.1', 512, resolve);
    });
    if (this.#server !== server) server.close();
  }

  /** Ends every connection; later ones are refused. Resolves when all is closed. */
  async shut(): Promise<void> {
    const server = this.#server;
    this.#server = null;
    const closed = new Promise((resolve) => (server ? server.close(resolve) : resolve(undefined)));
    for (const socket of this.#sockets) socket.destroy();
    await closed;
  }

  /** From now on nothing comes in and nothing goes out, and nobody is told. */
  silence(): void {
    if (this.#silent) return;
    this.#silent = true;
    for (const socket of this.#sockets) hold(socket);
  }

  /** Lets what was held go on, as TCP does when a cable is back. */
  rejoin(): void {
    if (!this.#silent) return;
    this.#silent = false;
    for (const socket of this.#sockets) release(socket);
    for (const socket of this.#waiting) this.#enter(socket);
    this.#waiting.clear();
  }

  #arrive(socket: Socket): void {
    this.#sockets.add(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => {
      this.#sockets.delete(socket);
      this.#waiting.delete(socket);
    });
    if (this.#silent) {
      hold(socket);
      this.#waiting.add(socket);
    } else {
      this.#enter(socket);
    }
  }
}

function hold(socket: Socket): void {
  socket.pause();
  socket.cork();
}

function release(socket: Socket): void {
  socket.uncork();
  socket.resume();
}

function inUse(error: NodeJS.ErrnoException): false {
  if (error.code === 'EADDRINUSE') return false;
  throw error;
}
