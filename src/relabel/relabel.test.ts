// Relabelling by cases: rules as YAML, labels before, labels after. What each action means is taken
// from Prometheus' documentation of relabel_config; sums of hashmod from an MD5 of another program.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { labelsFromObject, labelsToObject } from '../model/labels.ts';
import { LABELS_MAX, TEXT_LENGTH_MAX } from './limits.ts';
import { parseRelabelConfig } from './parse.ts';
import { Relabeller } from './relabelling.ts';
import type { Relabelled } from './relabelling.ts';

type Given = Readonly<Record<string, string>>;

function relabel(config: string, labels: Given): Relabelled {
  return new Relabeller(parseRelabelConfig(config), 1).apply(labelsFromObject(labels));
}

interface Case {
  readonly name: string;
  readonly config: string;
  readonly before: Given;
  /** undefined: dropped. */
  readonly after: Given | undefined;
}

const CASES: readonly Case[] = [
  {
    name: 'replace copies what the regex captured',
    config: '[{source_labels: [host], regex: "([^.]+)\\\\..*", target_label: node}]',
    before: { host: 'db1.example.org' },
    after: { host: 'db1.example.org', node: 'db1' },
  },
  {
    name: 'a regex is anchored at both ends',
    config: '[{source_labels: [host], regex: db, target_label: node, replacement: x}]',
    before: { host: 'db1' },
    after: { host: 'db1' },
  },
  {
    name: 'source labels are joined by the separator, missing ones are empty',
    config: '[{source_labels: [a, none, b], separator: "-", target_label: all}]',
    before: { a: '1', b: '2' },
    after: { a: '1', b: '2', all: '1--2' },
  },
  {
    name: 'the default separator is a semicolon',
    config: '[{source_labels: [a, b], target_label: all}]',
    before: { a: '1', b: '2' },
    after: { a: '1', b: '2', all: '1;2' },
  },
  {
    name: 'without source labels replace sets a label',
    config: '[{target_label: env, replacement: prod}]',
    before: { a: '1' },
    after: { a: '1', env: 'prod' },
  },
  {
    name: 'replace by nothing removes the target',
    config: '[{source_labels: [a], target_label: b, replacement: ""}]',
    before: { a: '1', b: '2' },
    after: { a: '1' },
  },
  {
    name: 'the default rule removes a target whose source is missing',
    config: '[{source_labels: [none], target_label: b}]',
    before: { a: '1', b: '2' },
    after: { a: '1' },
  },
  {
    name: 'an empty regex matches the empty value alone',
    config:
      '[{source_labels: [none], regex: "", target_label: x, replacement: empty},' +
      '{source_labels: [a], regex: "", target_label: y, replacement: empty}]',
    before: { a: '1' },
    after: { a: '1', x: 'empty' },
  },
  {
    name: 'an empty group expands to nothing, an optional one that is absent too',
    config:
      '[{source_labels: [a], regex: "(b*)(c)?(.*)", target_label: t, replacement: "<$1|$2|$3>"}]',
    before: { a: 'xyz' },
    after: { a: 'xyz', t: '<||xyz>' },
  },
  {
    name: 'groups have names, numbers in braces and dollar signs',
    config:
      '[{source_labels: [a], regex: "(?P<first>.)(.)", target_label: t, ' +
      'replacement: "${first}_${2}$$1$9$first${none} $ ${"}]',
    before: { a: 'xy' },
    after: { a: 'xy', t: 'x_y$1x $ ${' },
  },
  {
    name: 'a name behind the dollar sign is as long as it can be',
    config: '[{source_labels: [a], regex: "(.)", target_label: t, replacement: "$1x-${1}x"}]',
    before: { a: 'q' },
    after: { a: 'q', t: '-qx' },
  },
  {
    name: 'the target may be made of groups; a target of nothing is left alone',
    config:
      '[{source_labels: [a], regex: "(.*)=(.*)", target_label: "t_$1", replacement: "$2"},' +
      '{source_labels: [a], regex: "(x?).*", target_label: "$1", replacement: lost}]',
    before: { a: 'k=v' },
    after: { a: 'k=v', t_k: 'v' },
  },
  {
    name: 'names may be any UTF-8',
    config: '[{source_labels: ["température.°C"], target_label: "zone/日本"}]',
    before: { 'température.°C': '21' },
    after: { 'température.°C': '21', 'zone/日本': '21' },
  },
  {
    name: 'a dot matches a line break',
    config: '[{source_labels: [a], regex: "x.y", target_label: t, replacement: ok}]',
    before: { a: 'x\ny' },
    after: { a: 'x\ny', t: 'ok' },
  },
  {
    name: 'the metric name is a label',
    config:
      '[{source_labels: [__name__], regex: "old_(.*)", target_label: __name__, replacement: "new_$1"}]',
    before: { __name__: 'old_total' },
    after: { __name__: 'new_total' },
  },
  {
    name: 'keep keeps what matches',
    config: '[{source_labels: [env], regex: "prod|stage", action: keep}]',
    before: { env: 'prod' },
    after: { env: 'prod' },
  },
  {
    name: 'keep drops what does not, a missing label too',
    config: '[{source_labels: [env], regex: "prod|stage", action: keep}]',
    before: { a: '1' },
    after: undefined,
  },
  {
    name: 'drop drops what matches, and no later rule runs',
    config: '[{source_labels: [env], regex: dev, action: drop}, {target_label: t, replacement: x}]',
    before: { env: 'dev' },
    after: undefined,
  },
  {
    name: 'drop of an empty label needs a regex for the empty text',
    config: '[{source_labels: [env], regex: "", action: drop}]',
    before: { a: '1' },
    after: undefined,
  },
  {
    name: 'keepequal compares the joined value with the target',
    config: '[{source_labels: [port], target_label: wanted, action: keepequal}]',
    before: { port: '80', wanted: '80' },
    after: { port: '80', wanted: '80' },
  },
  {
    name: 'keepequal drops what differs',
    config: '[{source_labels: [port], target_label: wanted, action: keepequal}]',
    before: { port: '80', wanted: '81' },
    after: undefined,
  },
  {
    name: 'dropequal drops what is equal, two missing labels too',
    config: '[{source_labels: [x], target_label: y, action: dropequal}]',
    before: { a: '1' },
    after: undefined,
  },
  {
    name: 'dropequal keeps what differs',
    config: '[{source_labels: [x], target_label: y, action: dropequal}]',
    before: { x: '1' },
    after: { x: '1' },
  },
  {
    name: 'hashmod of modulus 1 is 0',
    config: '[{source_labels: [a, b], target_label: shard, modulus: 1, action: hashmod}]',
    before: { a: '1', b: '2' },
    after: { a: '1', b: '2', shard: '0' },
  },
  {
    name: 'labelmap copies values to the names that the regex makes',
    config: '[{regex: "meta_(.+)", replacement: "k8s_$1", action: labelmap}]',
    before: { meta_pod: 'p', meta_ns: 'n', meta_: 'x' },
    after: { meta_pod: 'p', meta_ns: 'n', meta_: 'x', k8s_pod: 'p', k8s_ns: 'n' },
  },
  {
    name: 'labelmap to the name itself: the default replacement is the first group',
    config: '[{regex: "x_(.+)", action: labelmap}]',
    before: { x_a: '1', a: '0' },
    after: { x_a: '1', a: '1' },
  },
  {
    name: 'two labels mapped to one name: the later in order of names wins',
    config: '[{regex: "(a|b)_x", replacement: "x", action: labelmap}]',
    before: { a_x: '1', b_x: '2' },
    after: { a_x: '1', b_x: '2', x: '2' },
  },
  {
    name: 'labels that were set come after those that came',
    config:
      '[{target_label: a_x, replacement: new}, {regex: "(a|b)_x", replacement: "x", action: labelmap}]',
    before: { a_x: '1', b_x: '2' },
    after: { a_x: 'new', b_x: '2', x: 'new' },
  },
  {
    name: 'labeldrop removes matching names',
    config: '[{regex: "tmp_.*", action: labeldrop}]',
    before: { tmp_a: '1', tmp: '2' },
    after: { tmp: '2' },
  },
  {
    name: 'labelkeep removes the others, the metric name too',
    config: '[{regex: "a|b", action: labelkeep}]',
    before: { __name__: 'm', a: '1', c: '3' },
    after: { a: '1' },
  },
  {
    name: 'a series without labels is dropped',
    config: '[{regex: "none", action: labelkeep}]',
    before: { a: '1' },
    after: undefined,
  },
  {
    name: 'letters change case one by one',
    config:
      '[{source_labels: [a], target_label: up, action: uppercase},' +
      '{source_labels: [b], target_label: low, action: LowerCase}]',
    before: { a: 'straße ǰᾳ', b: 'ΟΔΟΣ İ' },
    after: { a: 'straße ǰᾳ', b: 'ΟΔΟΣ İ', up: 'STRAßE ǰᾼ', low: 'οδοσ i' },
  },
  {
    name: 'a case of nothing removes the target',
    config: '[{source_labels: [none], target_label: b, action: uppercase}]',
    before: { a: '1', b: '2' },
    after: { a: '1' },
  },
  {
    name: 'an empty list changes nothing',
    config: 'relabel_configs: []',
    before: { a: '1' },
    after: { a: '1' },
  },
  {
    name: 'a list may stand under its name, with anchors and scalars of any kind',
    config:
      'metric_relabel_configs:\n- source_labels: &from [a]\n  target_label: 1\n  replacement: yes\n' +
      '- source_labels: *from\n  target_label: t\n  regex: 1.0\n  replacement: number\n',
    before: { a: '1.0' },
    after: { a: '1.0', 1: 'yes', t: 'number' },
  },
];

for (const { name, config, before, after } of CASES)
  test(name, () => {
    const done = relabel(config, before);
    if (after === undefined) assert.equal(done.kind, 'dropped');
    else {
      assert.equal(done.kind, 'kept');
      if (done.kind === 'kept') assert.deepEqual({ ...labelsToObject(done.labels) }, after);
    }
  });

test('hashmod is the MD5 of the joined value: its last 8 bytes, modulo', () => {
  // printf 'foo' | md5sum: acbd18db4cc2f85cedef654fccc4a4d8
  const expected = 0xedef654fccc4a4d8n;
  for (const modulus of [8n, 1000n, 2n ** 63n, 2n ** 64n - 1n]) {
    const config = `[{source_labels: [a], target_label: s, modulus: ${modulus}, action: hashmod}]`;
    const done = relabel(config, { a: 'foo' });
    assert.ok(done.kind === 'kept');
    assert.equal(labelsToObject(done.labels)['s'], String(expected % modulus));
  }
});

const REFUSED: readonly (readonly [config: string, message: RegExp])[] = [
  ['a: b', /^line 1, column 1: expected a list of relabel configs/],
  ['- x', /^line 1, column 3: cannot unmarshal !!str `x` into relabel\.plain$/],
  ['-', /^line 1, column 1: an entry is empty|cannot unmarshal/],
  [
    '- {source_label: [a]}',
    /^line 1, column 4: field source_label not found in type relabel\.plain$/,
  ],
  ['- {source_labels: a}', /cannot unmarshal !!str `a` into model\.LabelNames$/],
  ['- {source_labels: [[a]]}', /cannot unmarshal !!seq into model\.LabelName$/],
  ['- {source_labels: [""]}', /^line 1, column 20: "" is not a valid label name$/],
  ['- {target_label: {}}', /cannot unmarshal !!map into string$/],
  ['- {action: explode}', /^line 1, column 12: unknown relabel action "explode"$/],
  [
    '- {target_label: x}\n- {regex: "(", target_label: x}',
    /^line 2, column 11: .*missing (?:closing|argument)/,
  ],
  ['- {regex: "a{2000}", target_label: x}', /invalid repeat count/],
  [
    '- {source_labels: [a]}',
    /: relabel configuration for replace action requires 'target_label' value$/,
  ],
  [
    '- {action: hashmod, target_label: x}',
    /: relabel configuration for hashmod requires non-zero modulus$/,
  ],
  ['- {action: hashmod, modulus: 3}', /for hashmod action requires 'target_label' value$/],
  ['- {action: hashmod, modulus: -1, target_label: x}', /cannot unmarshal !!str `-1` into uint64$/],
  ['- {action: hashmod, modulus: 18446744073709551616, target_label: x}', /into uint64$/],
  [
    '- {action: lowercase, target_label: x, replacement: y}',
    /: 'replacement' can not be set for lowercase action$/,
  ],
  [
    '- {action: keepequal, target_label: x, regex: (.*)}',
    /: keepequal action requires only 'source_labels' and `target_label`, and no other fields$/,
  ],
  ['- {action: dropequal, target_label: x, separator: "-"}', /: dropequal action requires only/],
  [
    '- {action: labeldrop, regex: a, source_labels: []}',
    /: labeldrop action requires only 'regex', and no other fields$/,
  ],
  [
    '- {action: labelkeep, regex: a, target_label: x}',
    /: labelkeep action requires only 'regex', and no other fields$/,
  ],
  ['- {action: labelmap, replacement: ""}', /: "" is invalid 'replacement' for labelmap action$/],
  ['- {action: keep, action: drop}', /^line 1, column \d+: .*unique/],
  ['- [', /^line \d+, column \d+: /],
  ['- {target_label: *nowhere}', /nowhere/],
];

for (const [config, message] of REFUSED)
  test(`refused: ${config}`, () => assert.throws(() => parseRelabelConfig(config), { message }));

test('a configuration has a largest size and a largest number of rules', () => {
  const rule = '- {target_label: x}\n';
  assert.throws(
    () => parseRelabelConfig(rule.repeat(513)),
    /there are 513 rules, the limit is 512/,
  );
  assert.throws(() => parseRelabelConfig('#'.repeat(70_000)), /the limit is 65536/);
});

test('texts and label sets that grow refuse the series and name the rule', () => {
  const double = '- {source_labels: [a], target_label: a, replacement: "$1$1"}\n';
  const done = relabel(double.repeat(20), { a: 'xy' });
  assert.ok(done.kind === 'refused');
  assert.equal(done.rule, 16);
  assert.match(done.reason, new RegExp(`rule 16 \\(line 16\\): .*longer than ${TEXT_LENGTH_MAX}`));
  const more = ['p', 'q', 'r'].map(
    (c) => `- {regex: "(.*)", replacement: "${c}$1", action: labelmap}\n`,
  );
  const grown = relabel(more.join('').repeat(8), { a: '1' });
  assert.ok(grown.kind === 'refused');
  assert.match(grown.reason, new RegExp(`more than ${LABELS_MAX} labels`));
});

test('a trace shows each rule, what it saw and what it changed, up to the end of the series', () => {
  const config =
    '- {source_labels: [a], target_label: b}\n- {regex: zzz, action: labeldrop}\n' +
    '- {source_labels: [b], regex: "1", action: drop}\n- {target_label: c, replacement: late}\n';
  const steps = new Relabeller(parseRelabelConfig(config), 1).trace(['a', '1']);
  assert.deepEqual(
    steps.map(({ value, matched, before, after, verdict }) => [
      value,
      matched,
      before,
      after,
      verdict,
    ]),
    [
      ['1', true, ['a', '1'], ['a', '1', 'b', '1'], 'kept'],
      ['', false, ['a', '1', 'b', '1'], ['a', '1', 'b', '1'], 'kept'],
      ['1', true, ['a', '1', 'b', '1'], ['a', '1', 'b', '1'], 'dropped'],
    ],
  );
});
