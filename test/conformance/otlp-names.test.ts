// Names of Prometheus' own translator: metrics, units and labels, with the reasons for those that
// have none. Every case must pass.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { labelName, metricName, nameRules, unitName } from '../../src/formats/otlp/names.ts';
import type { NamedType, NameRules, Naming } from '../../src/formats/otlp/names.ts';
import { sharedPath } from '../support/shared.ts';

const suite = sharedPath('corpora/otlp-names');

interface Refused {
  readonly error: string;
}

/** Fields that a case lacks are empty. */
interface Case {
  readonly name: string;
  readonly label?: string;
  readonly sanitized?: string;
  readonly wantSanitizationError?: Refused;
  readonly wantUTF8Error?: Refused;
  readonly metric?: string;
  readonly namer?: string | NamerFields;
  readonly wantMetricName?: string;
  readonly wantUnitName?: string;
  readonly wantError?: string;
}

interface NamerFields {
  readonly Namespace?: string;
  readonly UTF8Allowed: boolean;
  readonly WithMetricSuffixes: boolean;
}

interface MetricFields {
  readonly Name: string;
  readonly Unit: string;
  readonly Type: { readonly expr: string };
}

/** Expressions of the suite's source have keys that begin with an underscore. */
function parsed(text: string): unknown {
  return JSON.parse(text.replaceAll(/("|\\")_(expr|args|error)(?=\\?")/g, '$1$2'));
}

function cases(): Case[] {
  return readFileSync(`${suite.path}/names.jsonl`, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => parsed(line) as Case);
}

function textOf(naming: Naming): string {
  return 'name' in naming ? naming.name : `error: ${naming.reason}`;
}

function rulesOf(namer: string | NamerFields): NameRules {
  if (typeof namer !== 'string')
    return {
      escapes: !namer.UTF8Allowed,
      addsSuffixes: namer.WithMetricSuffixes,
      namespace: namer.Namespace ?? '',
    };
  const { args } = parsed(namer) as { args: [string, { expr: string }] };
  const strategy = args[1].expr as Parameters<typeof nameRules>[0];
  return nameRules(strategy, args[0]);
}

const TYPES: Readonly<Record<string, NamedType>> = {
  MetricTypeGauge: 'gauge',
  MetricTypeMonotonicCounter: 'counter',
};

test('metric and unit names', { skip: suite.skip }, () => {
  const list = cases().filter(({ metric }) => metric !== undefined);
  assert.ok(list.length >= 40);
  for (const { name, metric, namer, ...wanted } of list) {
    const given = parsed(metric!) as MetricFields;
    const type = TYPES[given.Type.expr] ?? 'other';
    const rules = rulesOf(namer!);
    const made = metricName({ name: given.Name, unit: given.Unit, type }, rules);
    const { wantMetricName, wantError, wantUnitName } = wanted;
    assert.equal(
      textOf(made),
      wantError === undefined ? wantMetricName : `error: ${wantError}`,
      name,
    );
    assert.equal(unitName(given.Unit, rules), wantUnitName ?? '', name);
  }
});

test('label names', { skip: suite.skip }, () => {
  const list = cases().filter(({ label, wantUTF8Error }) => label !== undefined || wantUTF8Error);
  assert.ok(list.length >= 12);
  const [escaped, plain] = [
    nameRules('UnderscoreEscapingWithSuffixes', ''),
    nameRules('NoTranslation', ''),
  ];
  for (const { label = '', sanitized, wantSanitizationError, wantUTF8Error } of list) {
    const refusal = wantSanitizationError?.error;
    assert.equal(
      textOf(labelName(label, escaped)),
      refusal === undefined ? sanitized : `error: ${refusal}`,
    );
    const plainRefusal = wantUTF8Error?.error;
    assert.equal(
      textOf(labelName(label, plain)),
      plainRefusal === undefined ? label : `error: ${plainRefusal}`,
    );
  }
});
