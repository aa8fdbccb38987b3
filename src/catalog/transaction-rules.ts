// What every catalog driver checks alike: keys, values, sizes, and that a transaction is not used
// after its function returned.
import { AppError } from '../model/errors.ts';
import { assert } from '../stdx/assert.ts';
import {
  CATALOG_KEY_MAX_BYTES,
  CATALOG_RANGE_MAX,
  CATALOG_TRANSACTION_MAX_BYTES,
  CATALOG_VALUE_MAX_BYTES,
} from './limits.ts';

/** Orders strings as their UTF-8 bytes do; UTF-16 units differ from it above U+D7FF. */
export function compareKeys(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x === y) continue;
    const xSurrogate = x >= 0xd800 && x <= 0xdfff;
    const ySurrogate = y >= 0xd800 && y <= 0xdfff;
    return xSurrogate === ySurrogate ? x - y : xSurrogate ? 1 : -1;
  }
  return a.length - b.length;
}

export class TransactionRules {
  #open = true;
  #writtenBytes = 0;

  /** No method of the transaction may be called from now on. */
  end(): void {
    this.#open = false;
  }

  checkOpen(): void {
    assert(this.#open, 'a transaction is not used after its function returned');
  }

  checkWrite(key: string, value?: Uint8Array): void {
    this.checkOpen();
    assert(key !== '' && key.isWellFormed(), 'a catalog key is not empty and valid Unicode');
    const keyBytes = Buffer.byteLength(key);
    limit('key', keyBytes, CATALOG_KEY_MAX_BYTES);
    limit('value', value?.length ?? 0, CATALOG_VALUE_MAX_BYTES);
    this.#writtenBytes += keyBytes + (value?.length ?? 0);
    limit('transaction', this.#writtenBytes, CATALOG_TRANSACTION_MAX_BYTES);
  }

  /** The effective limit of a range read. */
  checkRange(limitAsked: number | undefined): number {
    this.checkOpen();
    const effective = limitAsked ?? CATALOG_RANGE_MAX;
    assert(effective >= 0 && effective <= CATALOG_RANGE_MAX, 'a range limit is within bounds');
    return effective;
  }
}

function limit(what: string, sizeBytes: number, maxBytes: number): void {
  if (sizeBytes <= maxBytes) return;
  const message = `a catalog ${what} of ${sizeBytes} bytes is over the limit of ${maxBytes}`;
  throw new AppError('tooLarge', 'catalog-limit', message);
}
