// The scanner tells code from comments and literals.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { scan } from './scan.ts';

/** What is left of `text`, runs of blanks squeezed. */
function check(text: string, code: string): void {
  assert.equal(scan(text).code.replace(/\s+/g, ' ').trim(), code);
  assert.equal(scan(text).code.length, text.length);
}

test('comments go', () => {
  check('a // b\nc', 'a c');
  check('a /* b\n * c */ d', 'a d');
  check('#!/usr/bin/env node\na', 'a');
  check('a // b', 'a');
  check('a /* b', 'a');
});

test('strings and templates keep their delimiters', () => {
  check(`f('a // b', "c\\"d")`, `f(' ', " ")`);
  check('x = `a ${b + `c ${d}`} e ${ {f: 1} } g`;', 'x = ` ${b + ` ${d}`} ${ {f: 1} } `;');
});

test('a quote left open does no harm beyond its line', () => {
  check(`it's\nb`, `it'\nb`.replace(/\s+/g, ' '));
});

test('a slash is a division after a value, else a regular expression', () => {
  check('a / b / c', 'a / b / c');
  check('f(x) / 2; // y', 'f(x) / 2;');
  check(String.raw`x = /'[/"]\//g; y`, 'x = / /g; y');
  check(`return /"/.test(a)`, 'return / /.test(a)');
});

test('comments alone go from the uncommented text', () => {
  assert.equal(scan(`a('b') // c`).uncommented, `a('b')     `);
});
