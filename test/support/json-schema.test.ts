// The checker of schemas finds what is wrong, and nothing else.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { SchemaChecker } from './json-schema.ts';
import type { Schema } from './json-schema.ts';

const POINT: Schema = {
  type: 'object',
  properties: {
    x: { type: 'integer' },
    tags: { type: 'array', items: { type: 'string' }, maxItems: 2 },
  },
  required: ['x'],
  additionalProperties: false,
};
const checker = new SchemaChecker({
  Point: POINT,
  Map: { type: 'object', additionalProperties: { type: 'number' } },
});
const REF = { $ref: '#/components/schemas/Point', description: 'words' };

test('values that fit, and those that do not', () => {
  const cases: readonly (readonly [Schema, unknown, readonly string[]])[] = [
    [REF, { x: 1 }, []],
    [REF, { x: 1, tags: ['a'] }, []],
    [REF, { x: 1.5 }, ['$.x is of type number, not integer']],
    [REF, {}, ['$.x is missing']],
    [REF, { x: 1, y: 2 }, ['$.y is not known']],
    [REF, { x: 1, tags: [1] }, ['$.tags[0] is of type number, not string']],
    [REF, { x: 1, tags: ['a', 'b', 'c'] }, ['$.tags has too many items']],
    [REF, null, ['$ is of type null, not object']],
    [{ $ref: '#/components/schemas/Map' }, { a: 1, b: 'x' }, ['$.b is of type string, not number']],
    [{ anyOf: [{ type: 'string' }, { type: 'number' }] }, 1, []],
    [
      { oneOf: [{ type: 'integer' }, { type: 'number' }] },
      1,
      ['$ fits 2 of the forms, only one is allowed'],
    ],
    [{ minimum: 1, maximum: 3 }, 2, []],
    [{ minimum: 1, maximum: 3 }, 0, ['$ is less than 1']],
    [{ minimum: 1, maximum: 3 }, 4, ['$ is more than 3']],
    [{ enum: ['a', 'b'] }, 'c', ['$ is c, none of a,b']],
  ];
  for (const [schema, value, expected] of cases)
    assert.deepEqual(checker.problems(schema, value), expected);
  assert.equal(checker.problems({ anyOf: [{ type: 'string' }] }, 1).length, 1);
  assert.throws(() => checker.problems({ pattern: 'a' }, 'a'), /pattern is not understood/);
  assert.throws(() => checker.problems({ $ref: '#/components/schemas/No' }, 1), /not defined/);
});
