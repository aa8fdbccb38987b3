// A probe for tests: `PLACE:N` ends the process by SIGKILL the Nth time it comes by a place of
// stdx/probe.ts, `PLACE:N:MS` after standing still for so long, so that other threads go on and
// this one hears nothing of them. Read from ORRERY_TEST_KILL_AT; without it nothing is probed.
import { NO_PROBE } from '../../stdx/probe.ts';
import type { Probe } from '../../stdx/probe.ts';
import { SettingError } from '../settings/kinds.ts';

const SYNTAX = /^([a-z]+):(\d+)(?::(\d+))?$/;

export function killProbe(text: string | undefined): Probe {
  if (text === undefined || text === '') return NO_PROBE;
  const matched = SYNTAX.exec(text);
  if (matched === null)
    throw new SettingError(`ORRERY_TEST_KILL_AT is PLACE:N or PLACE:N:MS, not '${text}'`);
  const [, place, nth, waitMs] = matched;
  let left = Number(nth);
  return (at) => {
    if (at !== place || --left !== 0) return;
    if (waitMs !== undefined)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(waitMs));
    process.kill(process.pid, 'SIGKILL');
    // The signal ends every thread before the next instruction that matters, and this one now.
    for (;;);
  };
}
