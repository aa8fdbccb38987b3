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
