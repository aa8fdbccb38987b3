// `/metrics/job/JOB{/LABEL/VALUE}`: PUT replaces a group's metrics, POST those of the names that
// are pushed, DELETE forgets the group. `LABEL@base64` takes its value in base64 for URLs, with or
// without padding; one `=` is the empty value. Answers 200, 202 and 400 as the real one does.
// Source: pushgateway handler/push.go, handler/delete.go.
import { readPushedPage } from '../../agent/push/pushed-page.ts';
import { expositionScan, scrapedFormat } from '../../formats/exposition.ts';
import { AppError } from '../../model/errors.ts';
import { labelsFromPairs } from '../../model/labels.ts';
import type { Labels } from '../../model/labels.ts';
import type { Exchange } from '../http/exchange.ts';
import type { PushgatewayDependencies } from './dependencies.ts';

const BASE64_SUFFIX = '@base64';

function bad(message: string): AppError {
  return new AppError('invalid', 'pushgateway-path', message);
}

function decoded(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch (error) {
    const message = `the path segment "${segment}" is not valid percent-encoding`;
    throw new AppError('invalid', 'path-encoding', message, { cause: error });
  }
}

/** undefined where the text is no base64 for URLs of UTF-8. */
function base64Text(text: string): string | undefined {
  const bare = text.replace(/=+$/, '');
  if (!/^[A-Za-z0-9_-]*$/.test(bare) || bare.length % 4 === 1) return undefined;
  const bytes = Buffer.from(bare, 'base64url');
  const value = bytes.toString('utf8');
  return Buffer.from(value).equals(bytes) ? value : undefined;
}

function jobOf(exchange: Exchange): string {
  const plain = exchange.params.get('job');
  const coded = exchange.params.get('job64');
  const job = coded === undefined ? plain : base64Text(coded);
  if (job === undefined) throw bad(`invalid base64 encoding in job name "${coded}"`);
  if (job === '') throw bad('job name is required');
  return job;
}

/** Labels of the group that the path names. */
function groupOf(exchange: Exchange): Labels {
  const pairs: string[] = [];
  const rest = exchange.params.get('labels') ?? '';
  const parts = rest === '' ? [] : rest.split('/').map(decoded);
  if (parts.length % 2 !== 0)
    throw bad(`odd number of components in label string "/${rest.slice(0, 200)}"`);
  for (let i = 0; i < parts.length; i += 2) {
    const given = parts[i]!;
    const isCoded = given.endsWith(BASE64_SUFFIX);
    const name = isCoded ? given.slice(0, -BASE64_SUFFIX.length) : given;
    if (!/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || name.startsWith('__'))
      throw bad(`improper label name "${name.slice(0, 200)}"`);
    const value = isCoded ? base64Text(parts[i + 1]!) : parts[i + 1]!;
    if (value === undefined)
      throw bad(`invalid base64 encoding for label ${name}="${parts[i + 1]!.slice(0, 200)}"`);
    pairs.push(name, value);
  }
  // What is forced on the token's series is part of the group: it is written again and again, and
  // tokens of others do not come near it.
  const { forcedLabels } = exchange.principal;
  return labelsFromPairs([...pairs, 'job', jobOf(exchange), ...forcedLabels]);
}

export async function push(
  deps: PushgatewayDependencies,
  exchange: Exchange,
  { isWhole }: { readonly isWhole: boolean },
): Promise<void> {
  const group = groupOf(exchange);
  const body = await exchange.body();
  const scan = await expositionScan(scrapedFormat(exchange.header('content-type')));
  const page = readPushedPage(body, { scan, group, timeMs: deps.clock.nowMs() });
  if (typeof page === 'string') throw new AppError('invalid', 'bad-push', page);
  await deps.pushGroups().push(exchange.principal, group, { page, isWhole });
  exchange.send({ status: 200 });
}

export async function remove(deps: PushgatewayDependencies, exchange: Exchange): Promise<void> {
  const group = groupOf(exchange);
  // Means nothing, but has to be one.
  await exchange.body();
  await deps.pushGroups().remove(exchange.principal, group);
  exchange.send({ status: 202 });
}
