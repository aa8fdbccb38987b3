// What every HTTP write may say about itself, whatever its protocol: how durable the answer is,
// which batch it is (so that a retry is not applied twice), which labels every series of it gets.
import { AppError } from '../../model/errors.ts';
import type { LimitFacts } from '../../model/errors.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Durability } from '../../model/storage.ts';
import type { Principal } from '../../model/tenant.ts';
import type { Exchange } from './exchange.ts';

export interface WriteOptions {
  readonly durability: Durability;
  readonly batchId: Uint8Array | undefined;
  /** Who sends. */
  readonly peer: string;
  readonly onReported: (limit: LimitFacts | undefined) => void;
}

/** `X-Orrery-Durability` or `durability`; `X-Orrery-Batch-Id` (32 hexadecimal digits). */
export function writeOptions(exchange: Exchange): WriteOptions {
  const durability =
    exchange.header('x-orrery-durability') ?? exchange.search.get('durability') ?? 'sync';
  if (durability !== 'sync' && durability !== 'async')
    throw new AppError(
      'invalid',
      'durability',
      `durability must be "sync" or "async", not ${JSON.stringify(durability.slice(0, 100))}`,
    );
  const onReported = (limit: LimitFacts | undefined): void => exchange.setReported(limit);
  const common = { durability, peer: exchange.peer, onReported } as const;
  const text = exchange.header('x-orrery-batch-id');
  if (text === undefined) return { ...common, batchId: undefined };
  if (!/^[0-9a-fA-F]{32}$/.test(text))
    throw new AppError('invalid', 'batch-id', 'X-Orrery-Batch-Id must be 32 hexadecimal digits');
  return { ...common, batchId: Buffer.from(text, 'hex') };
}

/** The pairs of all `extra_label=NAME=VALUE` parameters. */
export function extraLabels(params: URLSearchParams): Labels {
  const pairs: string[] = [];
  for (const text of params.getAll('extra_label')) {
    const equals = text.indexOf('=');
    if (equals <= 0)
      throw new AppError(
        'invalid',
        'extra-label',
        `extra_label must be NAME=VALUE, not ${JSON.stringify(text.slice(0, 200))}`,
      );
    pairs.push(text.slice(0, equals), text.slice(equals + 1));
  }
  return labelsFromPairs(pairs);
}

/**
 * The principal with further labels forced on what it writes; the token's own stay the strongest.
 */
export function withForcedLabels(principal: Principal, labels: Labels): Principal {
  if (labels.length === 0) return principal;
  const forcedLabels = labelsFromPairs([...labels, ...principal.forcedLabels]);
  return { ...principal, forcedLabels };
}
