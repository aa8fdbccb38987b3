// Telnet `put`s: what OpenTSDB takes and how it words what it does not.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { isPutAt, scanPutLines } from './put-lines.ts';

function scan(text: string) {
  const { body, end } = withCanary(text);
  const recorder = new RowRecorder();
  return { recorder, result: scanPutLines(body, [0, end], recorder, recorder) };
}

function check(line: string, expected: string): void {
  const { recorder, result } = scan(line);
  assert.deepEqual(result.errors, [], line);
  assert.equal(recorder.text(), `__name__=${expected}`, line);
}

/** A line that must be refused for `reason`, alone. */
function refuse(line: string, reason: string): void {
  const { recorder, result } = scan(`put m 5 1 a=b\n${line}\nput m 6 2 a=b\n`);
  assert.deepEqual([result.errors[0]?.reason, result.errors[0]?.line], [reason, 2], line);
  assert.deepEqual([result.rowCount, result.pointCount, result.errorCount], [3, 2, 1]);
  assert.equal(recorder.rows.length, 2);
}

test('a put is a point', () => {
  check(
    'put sys.cpu.user 1356998400 42.5 host=web01 cpu=0',
    'sys.cpu.user,cpu=0,host=web01 f64 42.5 @1356998400000000',
  );
  check('put m 1356998400123 1 a=b\r\n', 'm,a=b f64 1 @1356998400123000');
  check('put m 1356998400.123 1 a=b', 'm,a=b f64 1 @1356998400123000');
  check('PUT m 5 1e-9 a=b', 'm,a=b f64 1e-9 @5000000');
  check('put m 5 9007199254740993 a=b', 'm,a=b i64 9007199254740993 @5000000');
  check('put m  5   1   a=b  c=d  ', 'm,a=b,c=d f64 1 @5000000');
  check('put m 5 1', 'm f64 1 @5000000');
  check('put m 5 1 a=b a=b', 'm,a=b f64 1 @5000000');
});

test('bad lines are refused in the words of OpenTSDB', () => {
  refuse('put m', 'put: illegal argument: not enough arguments (need least 4, got 1)');
  refuse('put m 5', 'put: illegal argument: not enough arguments (need least 4, got 2)');
  refuse('put  5 1 a=b', 'put: illegal argument: empty metric name');
  refuse('put m x 1 a=b', 'put: invalid value: not a number: x');
  refuse('put m 1.2.x 1 a=b', 'put: invalid value: not a number: 1.2.x');
  refuse('put m 0 1 a=b', 'put: illegal argument: invalid timestamp: 0');
  refuse('put m -5 1 a=b', 'put: illegal argument: invalid timestamp: -5');
  refuse('put m 5 x a=b', 'put: invalid value: not a number: x');
  refuse('put m 5 nan a=b', 'put: invalid value: not a number: nan');
  refuse('put m 5 1e999 a=b', 'put: illegal argument: value is NaN or Infinite: Infinity');
  refuse('put m 5 1 a', 'put: illegal argument: invalid tag: a');
  refuse('put m 5 1 a=', 'put: illegal argument: invalid tag: a=');
  refuse('put m 5 1 =b', 'put: illegal argument: invalid tag: =b');
  refuse('put m 5 1 a=b=c', 'put: illegal argument: invalid tag: a=b=c');
  refuse('put m 5 1 a=b a=c', 'put: illegal argument: duplicate tag: a=c');
  refuse(
    'put m! 5 1 a=b',
    'put: illegal argument: Invalid metric name ("m!"): illegal character: !',
  );
});

test('a put is told by its word and the blank behind it, in any case', () => {
  const isPut = (text: string): boolean => {
    const { body, end } = withCanary(text);
    return isPutAt(body, 0, end);
  };
  assert.deepEqual(['put m', 'PuT m', 'put', 'puts m', 'putm', 'pu'].map(isPut), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
