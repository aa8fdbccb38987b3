// From YAML, as Prometheus' `relabel_configs` are written, to rules. What it refuses Prometheus
// refuses, in its words, with line and column in front. Source: Prometheus, "relabel_config", and
// model/relabel/relabel.go (UnmarshalYAML, Validate with UTF-8 names).
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument } from 'yaml';
import type { Document, Node, Pair, YAMLMap } from 'yaml';
import { compileCapture, RegexError } from '../codec/regex.ts';
import { CONFIG_BYTES_MAX, RULES_MAX } from './limits.ts';
import { ACTIONS, DEFAULT_RULE, isLabelName } from './rule.ts';
import type { RelabelRule } from './rule.ts';

/** Why a configuration is no list of rules; the message begins with the place. */
export class RelabelConfigError extends Error {
  override readonly name = 'RelabelConfigError';
  /** Both from 1. */
  readonly line: number;
  readonly column: number;
  /** The sentence without the place. */
  readonly reason: string;

  constructor(place: Place, reason: string) {
    super(`line ${place.line}, column ${place.column}: ${reason}`);
    this.line = place.line;
    this.column = place.column;
    this.reason = reason;
  }
}

interface Place {
  readonly line: number;
  readonly column: number;
}

/** Names under which Prometheus keeps such a list; a document may begin with one of them. */
const LIST_KEYS = ['relabel_configs', 'metric_relabel_configs', 'write_relabel_configs'];
const UINT64_MAX = 2n ** 64n - 1n;

type Field = Exclude<keyof RelabelRule, 'line'>;
const FIELDS: Readonly<Record<string, Field>> = {
  source_labels: 'sourceLabels',
  separator: 'separator',
  regex: 'regex',
  modulus: 'modulus',
  target_label: 'targetLabel',
  replacement: 'replacement',
  action: 'action',
};

/** Throws RelabelConfigError. An empty document has no rules. */
export function parseRelabelConfig(text: string): readonly RelabelRule[] {
  const sizeBytes = Buffer.byteLength(text, 'utf8');
  if (sizeBytes > CONFIG_BYTES_MAX) {
    const reason = `the configuration has ${sizeBytes} bytes, the limit is ${CONFIG_BYTES_MAX}`;
    throw new RelabelConfigError({ line: 1, column: 1 }, reason);
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const parser = new Parser(document, lines);
  const [error] = document.errors;
  if (error !== undefined) throw parser.error(error.pos[0], error.message);
  return parser.rules(document.contents);
}

/** Rules that stand somewhere in a document, whose places are those of the errors. */
export function relabelRulesAt(
  document: Document,
  lines: LineCounter,
  list: Node,
): readonly RelabelRule[] {
  return new Parser(document, lines).rules(list);
}

class Parser {
  readonly #lines: LineCounter;
  readonly #document: Document;

  constructor(document: Document, lines: LineCounter) {
    this.#document = document;
    this.#lines = lines;
  }

  error(offset: number, reason: string): RelabelConfigError {
    const { line, col } = this.#lines.linePos(offset);
    return new RelabelConfigError({ line: Math.max(line, 1), column: Math.max(col, 1) }, reason);
  }

  #at(node: Node, reason: string): RelabelConfigError {
    return this.error(node.range?.[0] ?? 0, reason);
  }

  rules(contents: Node | null): readonly RelabelRule[] {
    const list = this.#list(contents);
    if (list === undefined) return [];
    if (!isSeq(list))
      throw this.#at(list, 'expected a list of relabel configs ("- source_labels: …")');
    if (list.items.length > RULES_MAX)
      throw this.#at(list, `there are ${list.items.length} rules, the limit is ${RULES_MAX}`);
    return list.items.map((item) => this.#rule(this.#resolved(item as Node, list)));
  }

  /** The list, which may stand under one of LIST_KEYS; undefined where there is nothing. */
  #list(root: Node | null): Node | undefined {
    if (root === null || isNull(root)) return undefined;
    if (!isMap(root)) return root;
    const [pair, ...more] = root.items as Pair<Node, Node | null>[];
    const isKnown = pair !== undefined && LIST_KEYS.includes(textOf(pair.key) ?? '');
    if (!isKnown || more.length > 0) return root;
    const { value } = pair;
    return value === null || isNull(value) ? undefined : this.#resolved(value, root);
  }

  /** What an alias stands for. */
  #resolved(node: Node | null, parent: Node): Node {
    if (node === null) throw this.#at(parent, 'an entry is empty');
    if (!isAlias(node)) return node;
    const found = node.resolve(this.#document);
    if (found === undefined) throw this.#at(node, `there is no anchor ${node.source}`);
    return found;
  }

  #rule(node: Node): RelabelRule {
    if (!isMap(node)) throw this.#at(node, `cannot unmarshal ${shown(node)} into relabel.plain`);
    const given = new Map<Field, Node>();
    for (const { key, value } of (node as YAMLMap<Node, Node | null>).items) {
      const name = textOf(key) ?? '';
      const field = Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
      if (field === undefined) throw this.#at(key, `field ${name} not found in type relabel.plain`);
      // An absent value is that of the type, as an empty one.
      given.set(field, value === null ? key : this.#resolved(value, key));
    }
    const { line } = this.#lines.linePos(node.range?.[0] ?? 0);
    const rule = { ...DEFAULT_RULE, ...this.#values(given), line };
    const problem = validate(rule, new Set(given.keys()));
    if (problem === undefined) return rule;
    const where = problem.field === undefined ? undefined : given.get(problem.field);
    throw this.#at(where ?? node, problem.reason);
  }

  #values(given: ReadonlyMap<Field, Node>): Partial<RelabelRule> {
    const values: { -readonly [K in Field]?: RelabelRule[K] } = {};
    for (const [field, node] of given)
      switch (field) {
        case 'sourceLabels':
          values.sourceLabels = this.#labelNames(node);
          break;
        case 'modulus':
          values.modulus = this.#uint64(node);
          break;
        case 'action':
          values.action = this.#action(node);
          break;
        case 'regex':
          values.regex = this.#regex(node);
          break;
        default:
          values[field] = this.#text(node, 'string');
      }
    return values;
  }

  #text(node: Node, type: string): string {
    const text = textOf(node);
    if (text === undefined) throw this.#at(node, `cannot unmarshal ${shown(node)} into ${type}`);
    return text;
  }

  #labelNames(node: Node): readonly string[] {
    if (isNull(node)) return [];
    if (!isSeq(node)) throw this.#at(node, `cannot unmarshal ${shown(node)} into model.LabelNames`);
    return node.items.map((item) => {
      const name = this.#text(this.#resolved(item as Node, node), 'model.LabelName');
      if (!isLabelName(name))
        throw this.#at(item as Node, `${quoted(name)} is not a valid label name`);
      return name;
    });
  }

  #uint64(node: Node): bigint {
    const text = this.#text(node, 'uint64');
    if (text === '') return 0n;
    const value = /^(?:\d+|0x[0-9a-fA-F]+|0o[0-7]+)$/.test(text) ? BigInt(text) : UINT64_MAX + 1n;
    if (value > UINT64_MAX) throw this.#at(node, `cannot unmarshal ${shown(node)} into uint64`);
    return value;
  }

  #action(node: Node): RelabelRule['action'] {
    const text = this.#text(node, 'relabel.Action');
    const action = ACTIONS.find((known) => known === text.toLowerCase());
    if (action === undefined) throw this.#at(node, `unknown relabel action ${quoted(text)}`);
    return action;
  }

  #regex(node: Node): string {
    const text = this.#text(node, 'relabel.Regexp');
    try {
      compileCapture(text);
      return text;
    } catch (error) {
      if (!(error instanceof RegexError)) throw error;
      throw this.#at(node, error.message);
    }
  }
}

function isNull(node: Node): boolean {
  return isScalar(node) && node.value === null;
}

/** The text of a scalar as it was written, '' of nothing; undefined of a list or a map. */
function textOf(node: Node | null): string | undefined {
  if (node === null) return '';
  if (!isScalar(node)) return undefined;
  if (typeof node.value === 'string') return node.value;
  return node.value === null ? '' : node.source;
}

function shown(node: Node): string {
  if (isSeq(node)) return '!!seq';
  if (isMap(node)) return '!!map';
  return `!!str \`${(textOf(node) ?? '').slice(0, 64)}\``;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}

interface Problem {
  readonly reason: string;
  /** The field to blame. */
  readonly field?: Field;
}

/** What is wrong with the fields together. */
function validate(rule: RelabelRule, given: ReadonlySet<Field>): Problem | undefined {
  const { action, modulus, targetLabel, replacement } = rule;
  if (action === 'hashmod' && modulus === 0n)
    return {
      reason: 'relabel configuration for hashmod requires non-zero modulus',
      field: 'modulus',
    };
  const invalid = (field: 'target_label' | 'replacement', text: string): Problem => ({
    reason: `${quoted(text)} is invalid '${field}' for ${action} action`,
    field: field === 'replacement' ? 'replacement' : 'targetLabel',
  });
  switch (action) {
    case 'replace':
    case 'hashmod':
    case 'lowercase':
    case 'uppercase':
    case 'keepequal':
    case 'dropequal':
      if (targetLabel === '') {
        const reason = `relabel configuration for ${action} action requires 'target_label' value`;
        return { reason, field: 'targetLabel' };
      }
      if (!isLabelName(targetLabel)) return invalid('target_label', targetLabel);
      break;
    case 'labelmap':
      if (!isLabelName(replacement)) return invalid('replacement', replacement);
      break;
    case 'labeldrop':
    case 'labelkeep':
      return onlyRegex(rule, given);
    default:
  }
  return onlyTarget(rule, given);
}

/** Cases and equality have no replacement, equality nothing but two places. */
function onlyTarget(rule: RelabelRule, given: ReadonlySet<Field>): Problem | undefined {
  const { action, modulus, separator, replacement } = rule;
  const isEquality = action === 'keepequal' || action === 'dropequal';
  if (!isEquality && action !== 'lowercase' && action !== 'uppercase') return undefined;
  if (replacement !== DEFAULT_RULE.replacement) {
    const reason = `'replacement' can not be set for ${action} action`;
    return { reason, field: 'replacement' };
  }
  const isPlain = !given.has('regex') && modulus === 0n && separator === DEFAULT_RULE.separator;
  if (!isEquality || isPlain) return undefined;
  return {
    reason: `${action} action requires only 'source_labels' and \`target_label\`, and no other fields`,
  };
}

function onlyRegex(rule: RelabelRule, given: ReadonlySet<Field>): Problem | undefined {
  const { action, modulus, separator, targetLabel, replacement } = rule;
  const isPlain =
    !given.has('sourceLabels') &&
    targetLabel === '' &&
    modulus === 0n &&
    separator === DEFAULT_RULE.separator &&
    replacement === DEFAULT_RULE.replacement;
  if (isPlain) return undefined;
  return { reason: `${action} action requires only 'regex', and no other fields` };
}
