// `GET|PUT|DELETE /orrery/v1/relabel`: a tenant's relabelling rules, as YAML;
// `POST /orrery/v1/relabel/debug`: labels through rules, step by step, nothing stored.
import { readRelabelConfig } from '../../ingest/relabel-store.ts';
import type { RelabelConfig, RelabelStore, TenantRelabelling } from '../../ingest/relabel-store.ts';
import { AppError } from '../../model/errors.ts';
import { labelsFromObject, labelsToObject, labelValue } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import { Relabeller } from '../../relabel/relabelling.ts';
import type { Relabelled, RuleStep } from '../../relabel/relabelling.ts';
import type { RelabelRule } from '../../relabel/rule.ts';
import type { Deed } from '../../tenancy/audit.ts';
import type { Exchange } from '../http/exchange.ts';

const YAML = /^(?:application|text)\/(?:x-)?yaml\b/;

function isTrue(text: string | null): boolean {
  return text !== null && ['', '1', 'true'].includes(text);
}

async function configOf(bytes: Uint8Array): Promise<string> {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new AppError('invalid', 'relabel-config', 'the body is no UTF-8', { cause });
  }
}

/** The rules; or undefined, and the place of the mistake is answered. */
async function tryRead(exchange: Exchange, text: string): Promise<RelabelConfig | undefined> {
  const { RelabelConfigError } = await import('../../relabel/parse.ts');
  try {
    return await readRelabelConfig(text);
  } catch (error) {
    if (!(error instanceof RelabelConfigError)) throw error;
    const { message, line, column, reason } = error;
    const common = { code: 'relabel-config', kind: 'invalid', retryable: false };
    exchange.sendJson(400, { error: { ...common, message, line, column, reason } });
    return undefined;
  }
}

/** The rules of a body; or undefined, and the place of the mistake is answered. */
export async function configFrom(
  exchange: Exchange,
  body: Uint8Array,
): Promise<RelabelConfig | undefined> {
  return tryRead(exchange, await configOf(body));
}

function sendState(exchange: Exchange, state: TenantRelabelling): void {
  const { version, source, text, rules } = state;
  exchange.response.setHeader('X-Orrery-Relabel-Version', String(version));
  if (YAML.test(exchange.header('accept') ?? '')) {
    const headers = { 'Content-Type': 'application/yaml; charset=utf-8' };
    return exchange.send({ status: 200, headers, body: text });
  }
  const { tenant } = exchange.principal;
  exchange.sendJson(200, { tenant, version, source, ruleCount: rules.length, config: text });
}

export async function getRelabel(store: RelabelStore, exchange: Exchange): Promise<void> {
  sendState(exchange, store.get(exchange.principal.tenant));
}

export async function putRelabel(store: RelabelStore, exchange: Exchange): Promise<void> {
  const config = await configFrom(exchange, await exchange.body());
  if (config === undefined) return;
  const { tenant } = exchange.principal;
  if (isTrue(exchange.search.get('dry_run')))
    return exchange.sendJson(200, { tenant, dryRun: true, ruleCount: config.rules.length });
  const state = await exchange.deed(rulesDeed(store, exchange, config), () =>
    store.set(tenant, config),
  );
  sendState(exchange, state);
}

export async function deleteRelabel(store: RelabelStore, exchange: Exchange): Promise<void> {
  const { tenant } = exchange.principal;
  const state = await exchange.deed(rulesDeed(store, exchange, undefined), () =>
    store.remove(tenant),
  );
  sendState(exchange, state);
}

/** Without their text: it names what a tenant has, and rows outlive the tenant. */
function rulesDeed(
  store: RelabelStore,
  exchange: Exchange,
  config: RelabelConfig | undefined,
): Deed {
  const { version, source, rules } = store.get(exchange.principal.tenant);
  return {
    action: 'rules.set',
    before: { version, source, ruleCount: rules.length },
    after: config === undefined ? { removed: true } : { ruleCount: config.rules.length },
  };
}

interface DebugRequest {
  /** undefined: the rules in force. */
  readonly config: string | undefined;
  readonly labels: Labels;
}

function debugRequest(body: Uint8Array): DebugRequest {
  const form = '{"config": "- action: drop\\n  …", "labels": {"__name__": "up"}}';
  const bad = (why: string): AppError =>
    new AppError('invalid', 'relabel-debug', `${why}; expected such as ${form}`);
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw bad(`the body is no JSON (${(error as Error).message})`);
  }
  if (typeof value !== 'object' || value === null) throw bad('the body is no object');
  const { config, labels } = value as Record<string, unknown>;
  if (config !== undefined && typeof config !== 'string') throw bad('"config" is no text');
  if (typeof labels !== 'object' || labels === null) throw bad('"labels" is no object');
  const texts = labels as Record<string, string>;
  if (!Object.values(texts).every((text) => typeof text === 'string'))
    throw bad('a label is no text');
  return { config, labels: labelsFromObject(texts) };
}

export async function debugRelabel(store: RelabelStore, exchange: Exchange): Promise<void> {
  const { config: text, labels } = debugRequest(await exchange.body());
  const config =
    text === undefined ? store.get(exchange.principal.tenant) : await tryRead(exchange, text);
  if (config === undefined) return;
  const relabeller = new Relabeller(config.rules, 0);
  exchange.sendJson(200, {
    ruleCount: config.rules.length,
    steps: relabeller.trace(labels).map(stepJson),
    result: relabelledJson(relabeller.apply(labels)),
  });
}

/** What a page shows of a rule: its fields by their names in YAML. */
function ruleJson(rule: RelabelRule): Record<string, unknown> {
  const { action, sourceLabels, separator, regex, modulus, targetLabel, replacement, line } = rule;
  return {
    line,
    action,
    source_labels: sourceLabels,
    separator,
    regex,
    ...(modulus === 0n ? {} : { modulus: String(modulus) }),
    target_label: targetLabel,
    replacement,
  };
}

export function stepJson(step: RuleStep): Record<string, unknown> {
  const { rule, value, matched, before, after, verdict, reason } = step;
  const set: Record<string, string> = {};
  const removed: string[] = [];
  for (let i = 0; i < after.length; i += 2)
    if (labelValue(before, after[i]!) !== after[i + 1]) set[after[i]!] = after[i + 1]!;
  for (let i = 0; i < before.length; i += 2)
    if (labelValue(after, before[i]!) === '') removed.push(before[i]!);
  return {
    rule: ruleJson(rule),
    value,
    matched,
    verdict,
    ...(reason === '' ? {} : { reason }),
    before: labelsToObject(before),
    after: labelsToObject(after),
    set,
    removed,
  };
}

/** The end of it all; `labels` null: there is no series. */
export function relabelledJson(result: Relabelled): Record<string, unknown> {
  switch (result.kind) {
    case 'kept':
      return { verdict: 'kept', labels: labelsToObject(result.labels) };
    case 'dropped':
      return { verdict: 'dropped', rule: result.rule, labels: null };
    case 'refused':
      return { verdict: 'refused', rule: result.rule, reason: result.reason, labels: null };
  }
}
