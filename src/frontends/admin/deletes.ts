// `POST|DELETE /orrery/v1/delete?match[]=…&start=…&end=…&dry_run=1`: deletes points, or says what a
// delete would hide. One answer per selector, in the order given; the next one sees the former's
// work, in a dry run it does not.
import { AppError } from '../../model/errors.ts';
import type { DeleteResult, StorageWriter } from '../../model/storage.ts';
import { deleteDeed } from '../http/deeds.ts';
import type { Exchange } from '../http/exchange.ts';
import { rangeParams, selectorParams } from '../prometheus/params.ts';

const SWITCH: ReadonlyMap<string, boolean> = new Map([
  ['', true],
  ['1', true],
  ['true', true],
  ['0', false],
  ['false', false],
]);

function dryRunParam(params: URLSearchParams): boolean {
  const text = params.get('dry_run');
  if (text === null) return false;
  const value = SWITCH.get(text);
  if (value === undefined)
    throw new AppError('invalid', 'parameter', `dry_run=${text} is neither 1 nor 0`);
  return value;
}

export async function deletePoints(storage: StorageWriter, exchange: Exchange): Promise<void> {
  const params = await exchange.form();
  const selectors = await selectorParams(params);
  if (selectors.length === 0)
    throw new AppError('invalid', 'parameter', 'at least one match[] parameter is needed');
  const range = rangeParams(params);
  const dryRun = dryRunParam(params);
  const options = {
    principal: exchange.principal,
    durability: 'sync',
    protocol: 'orrery',
    batchId: undefined,
  } as const;
  const texts = params.getAll('match[]');
  const deletes: (DeleteResult & { readonly match: string })[] = [];
  const work = async (): Promise<void> => {
    for (const [i, matchers] of selectors.entries())
      deletes.push({
        match: texts[i]!,
        ...(await storage.delete({ ...range, matchers, dryRun }, options)),
      });
  };
  if (dryRun) await work();
  else await exchange.deed(deleteDeed('orrery', texts, params), work);
  exchange.sendJson(200, { dryRun, deletes });
}
