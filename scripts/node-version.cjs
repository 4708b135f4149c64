// Says in a plain sentence that this Node is too old. In words that every Node since version 4 can read; used by the npm
// scripts and, before it loads anything else, by the program itself.
'use strict';

const needed = require('../package.json').engines.node.replace(/[^\d.]/g, '');

function isOlder(version, than) {
  const have = version.split('.').map(Number);
  const want = than.split('.').map(Number);
  for (let i = 0; i < want.length; i++) {
    if (have[i] !== want[i]) return have[i] < want[i];
  }
  return false;
}

/** null when this Node will do. */
exports.complaint = function complaint() {
  const version = process.versions.node;
  if (!isOlder(version, needed)) return null;
  return `zeitwork needs Node ${needed} or newer, and this is Node ${version}: install one from https://nodejs.org, then run npm ci again.`;
};

if (require.main === module) {
  const text = exports.complaint();
  if (text !== null) {
    console.error(text);
    process.exit(6);
  }
}
