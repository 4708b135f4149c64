import fc from 'fast-check';

/**
 * The same stories in every run, so that what fails comes from the change at hand; `npm run test:long` tells others.
 * What failed there is told again with `SEED=…`, the seed that the failure printed.
 */
const seed = process.env.SEED === 'any' ? Date.now() % 2 ** 31 : Number(process.env.SEED ?? 20_261_130);
if (!Number.isInteger(seed)) throw new Error(`SEED=${process.env.SEED}: give a whole number, or any`);
fc.configureGlobal({ seed });

export { fc };
