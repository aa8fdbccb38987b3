// The probe's syntax; that it kills is shown by test/apptest/kill.test.ts.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { NO_PROBE } from '../../stdx/probe.ts';
import { killProbe } from './kill-probe.ts';

test('without a wish nothing is probed', () => {
  assert.equal(killProbe(undefined), NO_PROBE);
  assert.equal(killProbe(''), NO_PROBE);
});

test('other places, and other times than the one asked for, are passed by', () => {
  const probe = killProbe('flush:3');
  probe('append');
  probe('flush');
  probe('merge');
  probe('flush');
});

test('anything else is refused with a sentence', () => {
  for (const text of ['flush', 'flush:', 'flush:x', ':3', 'flush:3:', 'flush:3:4:5'])
    assert.throws(() => killProbe(text), /ORRERY_TEST_KILL_AT is PLACE:N/);
});
