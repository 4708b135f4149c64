import { readFile } from 'node:fs/promises';

/** The manifest that ships with this program, as text. */
export function readManifest(): Promise<string> {
  return readFile(new URL('../../slack-manifest.yaml', import.meta.url), 'utf8');
}

/** An address that opens Slack with a new app filled in from the manifest. */
export function manifestLink(manifest: string): string {
  const uncommented = manifest.replace(/^\s*#.*\n/gm, '');
  return `https://api.slack.com/apps?new_app=1&manifest_yaml=${encodeURIComponent(uncommented)}`;
}
