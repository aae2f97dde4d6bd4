import assert from 'node:assert/strict';
import { accuracyOf } from '../../src/tasks/evaluation/accuracy.ts';

describe('accuracy', () => {
  it('counts answers that are the truth itself', () => {
    assert.deepEqual(accuracyOf(['狐狸', '狐', ' ', ''], ['狐狸', '狐狸', ' ', ' ']), {
      right: 2,
      count: 4,
      accuracy: 0.5,
    });
    assert.deepEqual(accuracyOf([], []), { right: 0, count: 0, accuracy: 0 });
  });

  it('refuses other numbers of answers than of truths', () => {
    assert.throws(() => accuracyOf(['a'], ['a', 'b']), { code: 'INPUT', message: /answers; expected 2.*found 1/ });
    assert.throws(() => accuracyOf(['a', 'b'], ['a']), { code: 'INPUT' });
  });
});
