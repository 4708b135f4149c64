import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface ReleaseServer {
  url: string;
  /** What it was asked for, as `GET /path`. */
  asked: string[];
  /** Answers by path; a function may do what it likes with the response. */
  answers: Map<string, Buffer | string | ((response: ServerResponse, request: IncomingMessage) => void)>;
  close(): Promise<void>;
}

/** A real HTTP server on a free port; 404 for what has no answer. */
export async function startReleaseServer(): Promise<ReleaseServer> {
  const asked: string[] = [];
  const answers: ReleaseServer['answers'] = new Map();
  const server = createServer((request, response) => {
    const path = request.url ?? '';
    asked.push(`${request.method} ${path}`);
    const answer = answers.get(path);
    if (typeof answer === 'function') answer(response, request);
    else if (answer === undefined) response.writeHead(404).end('no such file');
    else response.end(answer);
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('the server has no port');
  return {
    url: `http://127.0.0.1:${address.port}`,
    asked,
    answers,
    close: () =>
      new Promise((done) => {
        server.close(() => done());
        server.closeAllConnections();
      }),
  };
}
