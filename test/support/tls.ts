import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Certificate {
  cert: string;
  key: string;
}

/** What `openssl` makes in `dir`: authorities of one's own, and what they sign. */
export function certificates(dir: string) {
  const openssl = (...words: string[]) => execFileSync('openssl', words, { cwd: dir, stdio: 'pipe' });
  const files = (name: string): Certificate => ({ cert: join(dir, `${name}.crt`), key: join(dir, `${name}.key`) });
  const makeKey = (name: string) =>
    openssl('genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', files(name).key);
  return {
    authority(name: string): Certificate {
      makeKey(name);
      openssl(
        'req',
        '-x509',
        '-new',
        '-key',
        files(name).key,
        '-subj',
        `/CN=${name}`,
        '-days',
        '30',
        '-out',
        files(name).cert,
      );
      return files(name);
    },
    /** @param days for how long it is good; 0: it has expired by the time that anybody looks */
    server(name: string, by: Certificate, names: string, days = 30): Certificate {
      makeKey(name);
      const request = join(dir, `${name}.csr`);
      const extensions = join(dir, `${name}.ext`);
      writeFileSync(extensions, `subjectAltName=${names}\n`);
      openssl('req', '-new', '-key', files(name).key, '-subj', `/CN=${name}`, '-out', request);
      const signed = ['-CA', by.cert, '-CAkey', by.key, '-CAcreateserial', '-extfile', extensions];
      openssl('x509', '-req', '-in', request, ...signed, '-days', String(days), '-out', files(name).cert);
      return files(name);
    },
  };
}
