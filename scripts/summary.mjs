// What a run of the tests was, from the JSON of one run and, where end-to-end tests were given a second chance, of that.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';

const mostAgain = 2;
const words = process.argv.slice(2);
const again = words[0] === '--again';
const [first, second] = (again ? words.slice(1) : words).map((path) => JSON.parse(readFileSync(path, 'utf8')));

const isRed = ({ status }) => status === 'failed';
const red = first.testResults.filter((file) => isRed(file) || file.assertionResults.some(isRed));
const pathOf = ({ name }) => relative(process.cwd(), name);

if (again) {
  const may = red.length > 0 && red.length <= mostAgain && red.every((file) => pathOf(file).startsWith('test/e2e/'));
  if (!may) process.exit(1);
  console.log(red.map(pathOf).join('\n'));
  process.exit(0);
}

if (first.numTotalTests === 0) {
  console.log('no test ran');
  process.exit(1);
}
tell('FAILED', red);
if (second !== undefined) {
  tell('FAILED AGAIN', second.testResults);
  const { numPassedTests: passed, numTotalTests: total } = second;
  console.log(`${red.map(pathOf).join(', ')}: once more, ${passed} of ${total} passed`);
}
const { numPassedTests: passed, numFailedTests: failed, numPendingTests: skipped } = first;
console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);

function tell(word, files) {
  for (const file of files) {
    const broken = file.assertionResults.filter(isRed);
    if (isRed(file) && broken.length === 0) console.log(`${word} ${pathOf(file)}\n${file.message}`);
    for (const test of broken)
      console.log(`${word} ${pathOf(file)}: ${test.fullName}\n${test.failureMessages.join('\n').slice(0, 3000)}`);
  }
}
