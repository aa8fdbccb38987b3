// The writes of one transaction in their order, checked against the limits that all drivers share.
import { AppError } from '../model/errors.ts';
import {
  CATALOG_KEY_MAX_BYTES,
  CATALOG_TRANSACTION_MAX_BYTES,
  CATALOG_VALUE_MAX_BYTES,
} from './limits.ts';

export type CatalogWrite =
  | { readonly type: 'set'; readonly key: string; readonly value: Uint8Array }
  | { readonly type: 'remove'; readonly key: string }
  | { readonly type: 'removeRange'; readonly begin: string; readonly end: string };

function tooLarge(what: string, sizeBytes: number, limitBytes: number): AppError {
  return new AppError(
    'tooLarge',
    'catalog-limit',
    `${what} has ${sizeBytes} bytes, the catalog's limit is ${limitBytes}`,
  );
}

export class WriteSet {
  #writes: CatalogWrite[] = [];
  #sizeBytes = 0;
  /** Did the transaction write anything at all? */
  isEmpty = true;

  add(write: CatalogWrite): void {
    const key = write.type === 'removeRange' ? write.begin : write.key;
    const keyBytes = Buffer.byteLength(key);
    if (keyBytes > CATALOG_KEY_MAX_BYTES)
      throw tooLarge(`the key '${key.slice(0, 80)}…'`, keyBytes, CATALOG_KEY_MAX_BYTES);
    const valueBytes = write.type === 'set' ? write.value.length : 0;
    if (valueBytes > CATALOG_VALUE_MAX_BYTES)
      throw tooLarge(`the value of '${key}'`, valueBytes, CATALOG_VALUE_MAX_BYTES);
    this.#sizeBytes += keyBytes + valueBytes;
    if (this.#sizeBytes > CATALOG_TRANSACTION_MAX_BYTES)
      throw tooLarge('the transaction', this.#sizeBytes, CATALOG_TRANSACTION_MAX_BYTES);
    this.#writes.push(write);
    this.isEmpty = false;
  }

  /** The writes since the last call, in order. */
  drain(): readonly CatalogWrite[] {
    const writes = this.#writes;
    this.#writes = [];
    return writes;
  }
}
