// Errors cross threads as plain data and come out as what they were, as far as callers look.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { BugError, FatalError } from '../stdx/assert.ts';
import { AppError } from './errors.ts';
import { errorOf, thrownOf } from './thrown.ts';

function crossed(error: unknown): Error {
  return errorOf(structuredClone(thrownOf(error)));
}

test('an operating error keeps what protocols answer with', () => {
  const cause = new Error('below');
  const error = new AppError('unavailable', 'disk-full', 'no space', { retryAfterSec: 5, cause });
  const found = crossed(error) as AppError;
  assert.ok(found instanceof AppError);
  const { kind, code, message, retryable, retryAfterSec } = found;
  assert.deepEqual(
    { kind, code, message, retryable, retryAfterSec },
    {
      kind: 'unavailable',
      code: 'disk-full',
      message: 'no space',
      retryable: true,
      retryAfterSec: 5,
    },
  );
  const never = crossed(new AppError('unavailable', 'closed', 'over', { retryable: false }));
  assert.equal((never as AppError).retryable, false);
  assert.equal((never as AppError).retryAfterSec, undefined);
});

test('broken invariants and environments keep their class; anything else its name', () => {
  assert.ok(crossed(new BugError('BUG: odd')) instanceof BugError);
  assert.ok(crossed(new FatalError('the disk')) instanceof FatalError);
  const other = crossed(new RangeError('too long'));
  assert.ok(!(other instanceof RangeError));
  assert.equal(other.message, 'RangeError: too long');
  assert.equal(crossed('text').message, 'Error: text');
});
