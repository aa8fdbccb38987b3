// Bodies of collectd's write_http: what is stored of them, and which lists are refused.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RowRecorder, withCanary } from '../../../test/support/row-recorder.ts';
import { scanValueLists } from './value-lists.ts';

function scan(text: string | Uint8Array, recorder = new RowRecorder()) {
  const { body, end } = withCanary(text);
  return { recorder, result: scanValueLists(body, end, recorder, recorder) };
}

/** A body in, rows out; nothing may be refused. */
function check(text: string, ...expected: string[]): void {
  const { recorder, result } = scan(text);
  assert.equal(result.malformed, '');
  assert.deepEqual(result.errors, []);
  assert.equal(recorder.text(), expected.map((row) => `__name__=${row}`).join('\n'));
  assert.equal(result.pointCount, expected.length);
}

const LIST = {
  values: [1],
  dstypes: ['gauge'],
  dsnames: ['value'],
  time: 1280959128.123,
  interval: 10.0,
  host: 'web01',
  plugin: 'cpu',
  plugin_instance: '0',
  type: 'cpu',
  type_instance: 'idle',
};
const list = (fields: Record<string, unknown>): string => JSON.stringify({ ...LIST, ...fields });
const CPU = 'cpu_value,host=web01,instance=0,plugin=cpu,type=cpu,type_instance=idle';

/** A list that must be refused for `reason` between two good ones. */
function refuse(text: string, reason: string | RegExp): void {
  const { recorder, result } = scan(`[${list({})},${text},${list({ values: [2] })}]`);
  assert.equal(result.malformed, '');
  assert.deepEqual([result.rowCount, result.pointCount, result.errorCount], [3, 2, 1]);
  assert.equal(result.errors[0]?.line, 2);
  if (typeof reason === 'string') assert.equal(result.errors[0].reason, reason);
  else assert.match(result.errors[0].reason, reason);
  assert.equal(recorder.rows.length, 2);
}

test('a series of each data source, without the labels that are empty', () => {
  check(`[${list({})}]`, `${CPU} f64 1 @1280959128123000`);
  check(
    `[${list({
      values: [1901474177, 0.5],
      dsnames: ['rx', 'tx'],
      plugin: 'interface',
      plugin_instance: 'eth0',
      type: 'if_octets',
      type_instance: '',
      time: 1280959128,
      meta: { 'network:received': true },
    })}]`,
    'interface_rx,host=web01,instance=eth0,plugin=interface,type=if_octets f64 1901474177 @1280959128000000',
    'interface_tx,host=web01,instance=eth0,plugin=interface,type=if_octets f64 0.5 @1280959128000000',
  );
  check(
    `[${list({ plugin: 'load', plugin_instance: undefined, type: 'load', type_instance: null })}]`,
    'load_value,host=web01,plugin=load,type=load f64 1 @1280959128123000',
  );
  check(
    `[${list({ time: 8835955200.999 })},${list({ time: -0.000001 })}]`,
    `${CPU} f64 1 @8835955200999000`,
    `${CPU} f64 1 @-1`,
  );
  check('[]');
});

test('values: null stores nothing; integers that no double holds stay integers', () => {
  const raw = (value: string): string => `[${list({}).replace('[1]', `[${value}]`)}]`;
  check(raw('null'));
  for (const [value, shown] of [
    ['-0.25', 'f64 -0.25'],
    ['1e3', 'f64 1000'],
    ['9007199254740992', 'f64 9007199254740992'],
    ['9007199254740993', 'i64 9007199254740993'],
    ['-9007199254740993', 'i64 -9007199254740993'],
    ['18446744073709551615', 'u64 18446744073709551615'],
    ['18446744073709551616', 'f64 18446744073709552000'],
  ])
    check(raw(value!), `${CPU} ${shown} @1280959128123000`);
});

test('a list is refused as a whole, and alone', () => {
  refuse('7', 'not an object');
  refuse('[]', 'not an object');
  refuse(list({ values: [] }), '"values" must be an array');
  refuse(list({ values: ['1'] }), 'a value must be a number or null');
  refuse(list({ values: [1, true], dsnames: ['a', 'b'] }), 'a value must be a number or null');
  refuse(list({}).replace('[1]', '[18446744073709551617]'), 'a value does not fit into 64 bits');
  refuse(list({ dsnames: ['a', 'b'] }), '"dsnames" must be as long as "values"');
  refuse(list({ dsnames: [''] }), '"dsnames" must be strings');
  refuse(list({ values: [1, 2], dsnames: ['a', 'a'] }), 'two data sources of one name');
  refuse(list({ values: Array(257).fill(1) }), 'more than 256 values in a list');
  refuse(list({ time: '1' }), '"time" must be seconds since 1970');
  refuse(list({ time: 1e12 }), '"time" must be seconds since 1970');
  refuse(list({ host: '' }), '"host" is empty');
  refuse(list({ plugin: undefined }), '"plugin" is empty');
  refuse(list({ type: 5 }), '"type" must be a string');
  refuse(list({ type_instance: '\ud800' }), '"type_instance" is not valid Unicode');
});

test('a series that a limit refuses takes the whole list with it', () => {
  const recorder = new RowRecorder();
  recorder.refused.add(`__name__=${CPU.replace('cpu_value', 'cpu_b')}`);
  const { result } = scan(`[${list({ values: [1, 2], dsnames: ['a', 'b'] })}]`, recorder);
  assert.deepEqual([result.pointCount, result.errorCount], [0, 1]);
  assert.equal(result.errors[0]!.reason, 'refused by the test');
  assert.equal(recorder.rows.length, 0);
});

test('a body that is none', () => {
  const malformed = (text: string | Uint8Array) => scan(text).result.malformed;
  assert.match(malformed(''), /^not JSON: /);
  assert.match(malformed(`[${list({})}`), /^not JSON: /);
  assert.equal(malformed(list({})), 'the JSON must be an array of value lists');
  assert.equal(malformed(Uint8Array.of(91, 34, 255, 34, 93)), 'not valid UTF-8');
});

test('a body cut anywhere stores nothing', () => {
  const bytes = new TextEncoder().encode(`[${list({})},${list({ host: 'é' })}]`);
  for (let end = 0; end < bytes.length; end++) {
    const { recorder, result } = scan(bytes.subarray(0, end));
    assert.notEqual(result.malformed, '');
    assert.equal(recorder.rows.length, 0);
  }
});
