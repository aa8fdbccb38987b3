// Lines of nobody: counted each, asked for once in a batch, and a connection waits for its turn.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AppError } from '../../model/errors.ts';
import { openPrincipal } from '../../model/tenant.ts';
import { RefusalPace } from '../http/refusal-pace.ts';
import { LineSenders } from './line-senders.ts';
import type { LineSenderDependencies } from './line-senders.ts';
import type { LineSource } from './write-lines.ts';

const BODY = Buffer.from('a 1\nb 2\n');
const GOOD = 'good';

function setup({ isOne = true, signal = new AbortController().signal } = {}) {
  const seen = { asked: 0, lost: 0, waitedMs: 0, sleeps: 0 };
  let nowMs = 0;
  // Of the rest nothing is used.
  const deps = {
    authenticator: {
      authenticate({ token }: { readonly token: string | undefined }) {
        seen.asked++;
        if (token !== GOOD) throw new AppError('unauthenticated', 'token', 'no such token');
        return openPrincipal('t');
      },
    },
    boundToken: () => undefined,
    clock: { monotonicMs: () => nowMs },
    pace: new RefusalPace(),
    scheduler: {
      async sleep(delayMs: number, aborted: AbortSignal) {
        aborted.throwIfAborted();
        seen.sleeps++;
        seen.waitedMs += delayMs;
        nowMs += delayMs;
      },
    },
  } as unknown as LineSenderDependencies;
  const metrics = { lost: () => ({ add: (count: number) => (seen.lost += count) }) };
  const source = { peer: 'p:1', isOne, metrics, signal } as unknown as LineSource;
  const senders = new LineSenders(deps, source);
  const admit = (token: string | undefined) =>
    senders.admit({ token, body: BODY, end: BODY.length });
  return { senders, seen, admit };
}

test('many tokens that are none wait for the pace; lines are counted as lost', async () => {
  const { senders, seen, admit } = setup();
  senders.begin();
  for (let i = 0; i < 1000; i++) assert.ok((await admit(`bad${i}`)) instanceof AppError);
  assert.equal(seen.lost, 2000);
  // 200 a second, of which one second's are at once.
  assert.ok(Math.abs(seen.waitedMs - 4000) < 20, String(seen.waitedMs));
  assert.ok(!((await admit(GOOD)) instanceof AppError));
});

test('one token that is none costs a batch one turn, and is asked anew in the next', async () => {
  const { senders, seen, admit } = setup();
  for (let batch = 1; batch <= 100; batch++) {
    senders.begin();
    for (let i = 0; i < 50; i++) for (const token of ['bad', undefined]) await admit(token);
    assert.equal(seen.asked, 2 * batch);
  }
  assert.equal(seen.lost, 2 * 100 * 100);
  assert.equal(seen.sleeps, 0);
});

test('a name that is tried waits too; datagrams and a server that stops do not', async () => {
  const one = setup();
  for (let i = 0; i < 400; i++) assert.equal(await one.senders.introduce(`bad${i}`), false);
  assert.ok(Math.abs(one.seen.waitedMs - 1000) < 20, String(one.seen.waitedMs));
  assert.equal(await one.senders.introduce(GOOD), true);
  const stopping = AbortSignal.abort();
  for (const other of [setup({ isOne: false }), setup({ signal: stopping })]) {
    for (let i = 0; i < 1000; i++) await other.admit(`bad${i}`);
    assert.equal(other.seen.sleeps, 0);
    assert.equal(other.seen.lost, 2000);
  }
});
