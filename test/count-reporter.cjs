/**
 * Mocha's dot reporter with one more line at the very end, `N passed, N failed`, which CI reads.
 */
const { Dot } = require('mocha').reporters;

/** Prints dots and failures as usual, then the counts; pending tests are added only when there are any. */
module.exports = class CountReporter extends Dot {
  constructor(runner, options) {
    super(runner, options);
    runner.once('end', () => {
      const { passes, failures, pending } = runner.stats;
      const skipped = pending > 0 ? `, ${pending} skipped` : '';
      console.log(`${passes} passed, ${failures} failed${skipped}`);
    });
  }
};
