// Rules at work: the labels of a series in, its labels out, or nothing where a rule drops it.
// Semantics are Prometheus' (model/relabel/relabel.go); regular expressions are anchored and RE2.
// Pure; runs once per series, never per sample. Bounded: texts and label sets that grow beyond
// limits.ts refuse the series.
import { md5Low64 } from '../codec/md5.ts';
import { compileCapture, compileRegex } from '../codec/regex.ts';
import type { CaptureMatch, CaptureRegex, Regex } from '../codec/regex.ts';
import type { Labels } from '../model/labels.ts';
import { LabelDraft } from './label-draft.ts';
import { lowerCase, upperCase } from './letter-case.ts';
import { LABELS_MAX, TEXT_LENGTH_MAX } from './limits.ts';
import { isLabelName } from './rule.ts';
import type { RelabelRule } from './rule.ts';
import { expand, parseTemplate } from './template.ts';
import type { Template } from './template.ts';

export type Relabelled =
  /** `labels` are those that were given where no rule changed any. May be empty: dropped, too. */
  | { readonly kind: 'kept'; readonly labels: Labels }
  /** By the rule with this number, from 1; 0: no label was left. */
  | { readonly kind: 'dropped'; readonly rule: number }
  | { readonly kind: 'refused'; readonly rule: number; readonly reason: string };

/** What one rule did to one series. */
export interface RuleStep {
  readonly rule: RelabelRule;
  /** Values of the source labels, joined. */
  readonly value: string;
  /** Did the rule's condition hold? Of rules about label names: for any label. */
  readonly matched: boolean;
  readonly before: Labels;
  /** As they were where the series ended here. */
  readonly after: Labels;
  readonly verdict: 'kept' | 'dropped' | 'refused';
  /** Why it was refused. */
  readonly reason: string;
}

/** The rules behind a series, to the ingest. */
export interface Relabelling {
  /** Differs wherever the rules differ, of one tenant in one process. */
  readonly version: number;
  apply(labels: Labels): Relabelled;
}

interface Outcome {
  readonly matched: boolean;
  readonly keeps: boolean;
}

type Work = (draft: LabelDraft, value: string) => Outcome;

interface CompiledRule {
  readonly rule: RelabelRule;
  readonly work: Work;
}

/** Thrown inside, made a refusal outside. */
class TooLarge extends Error {}

const DONE: Outcome = { matched: true, keeps: true };
const NO_MATCH: Outcome = { matched: false, keeps: true };

export class Relabeller implements Relabelling {
  readonly version: number;
  readonly #rules: readonly CompiledRule[];

  /** Throws RegexError; parsed rules compile. */
  constructor(rules: readonly RelabelRule[], version: number) {
    this.version = version;
    this.#rules = rules.map((rule) => ({ rule, work: compile(rule) }));
  }

  get rules(): readonly RelabelRule[] {
    return this.#rules.map(({ rule }) => rule);
  }

  apply(labels: Labels): Relabelled {
    const draft = new LabelDraft(labels);
    for (const [i, { rule, work }] of this.#rules.entries()) {
      try {
        if (!work(draft, sourceValue(draft, rule)).keeps) return { kind: 'dropped', rule: i + 1 };
        checkCount(draft);
      } catch (error) {
        if (!(error instanceof TooLarge)) throw error;
        const reason = `relabelling: rule ${i + 1} (line ${rule.line}): ${error.message}`;
        return { kind: 'refused', rule: i + 1, reason };
      }
    }
    const after = draft.labels();
    return after.length === 0 ? { kind: 'dropped', rule: 0 } : { kind: 'kept', labels: after };
  }

  /** As `apply`, rule by rule; ends with the rule that ended the series. */
  trace(labels: Labels): readonly RuleStep[] {
    const draft = new LabelDraft(labels);
    const steps: RuleStep[] = [];
    for (const { rule, work } of this.#rules) {
      const step = traced(rule, work, draft);
      steps.push(step);
      if (step.verdict !== 'kept') break;
    }
    return steps;
  }
}

function traced(rule: RelabelRule, work: Work, draft: LabelDraft): RuleStep {
  const before = draft.labels();
  let value = '';
  try {
    value = sourceValue(draft, rule);
    const { matched, keeps } = work(draft, value);
    checkCount(draft);
    const after = keeps ? draft.labels() : before;
    return { rule, value, matched, before, after, verdict: keeps ? 'kept' : 'dropped', reason: '' };
  } catch (error) {
    if (!(error instanceof TooLarge)) throw error;
    const { message: reason } = error;
    return { rule, value, matched: true, before, after: before, verdict: 'refused', reason };
  }
}

function sourceValue(draft: LabelDraft, { sourceLabels, separator }: RelabelRule): string {
  let value = '';
  for (const [i, name] of sourceLabels.entries()) {
    value += (i === 0 ? '' : separator) + draft.get(name);
    checkLength(value);
  }
  return value;
}

function checkLength(text: string): void {
  if (text.length > TEXT_LENGTH_MAX)
    throw new TooLarge(`a text becomes longer than ${TEXT_LENGTH_MAX} characters`);
}

function checkCount(draft: LabelDraft): void {
  if (draft.count > LABELS_MAX)
    throw new TooLarge(`the series gets more than ${LABELS_MAX} labels`);
}

function expanded(template: Template, found: CaptureMatch): string {
  const text = expand(template, found, TEXT_LENGTH_MAX);
  if (text !== undefined) return text;
  throw new TooLarge(`a text becomes longer than ${TEXT_LENGTH_MAX} characters`);
}

/** A verdict on the series itself. */
function verdict(matched: boolean, keeps: boolean): Outcome {
  return { matched, keeps };
}

function compile(rule: RelabelRule): Work {
  const { action, regex, targetLabel, modulus } = rule;
  switch (action) {
    case 'replace':
      return replacing(rule, compileCapture(regex));
    case 'keep':
    case 'drop': {
      const compiled = compileRegex(regex);
      return (_draft, value) => {
        const matched = compiled.test(value);
        return verdict(matched, matched === (action === 'keep'));
      };
    }
    case 'keepequal':
    case 'dropequal':
      return (draft, value) => {
        const matched = draft.get(targetLabel) === value;
        return verdict(matched, matched === (action === 'keepequal'));
      };
    case 'hashmod':
      return setting(targetLabel, (value) => String(md5Low64(value) % modulus));
    case 'lowercase':
      return setting(targetLabel, lowerCase);
    case 'uppercase':
      return setting(targetLabel, upperCase);
    case 'labelmap':
      return mapping(rule, compileCapture(regex));
    case 'labeldrop':
    case 'labelkeep':
      return removing(compileRegex(regex), action === 'labeldrop');
  }
}

function setting(target: string, valueOf: (value: string) => string): Work {
  return (draft, value) => {
    draft.set(target, valueOf(value));
    return DONE;
  };
}

function replacing({ targetLabel, replacement }: RelabelRule, match: CaptureRegex): Work {
  const target = parseTemplate(targetLabel);
  const text = parseTemplate(replacement);
  return (draft, value) => {
    const found = match(value);
    if (found === undefined) return NO_MATCH;
    const name = expanded(target, found);
    if (isLabelName(name)) draft.set(name, expanded(text, found));
    return DONE;
  };
}

function mapping({ replacement }: RelabelRule, match: CaptureRegex): Work {
  const template = parseTemplate(replacement);
  return (draft) => {
    let matched = false;
    for (const [name, value] of draft.entries()) {
      const found = match(name);
      if (found === undefined) continue;
      matched = true;
      draft.set(expanded(template, found), value);
    }
    return { matched, keeps: true };
  };
}

function removing(regex: Regex, removesMatching: boolean): Work {
  return (draft) => {
    let matched = false;
    for (const [name] of draft.entries()) {
      const isMatch = regex.test(name);
      matched ||= isMatch;
      if (isMatch === removesMatching) draft.set(name, '');
    }
    return { matched, keeps: true };
  };
}
