// The document describes what is there.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openApiDocument } from './openapi.ts';
import { tenancyRoutes } from './routes.ts';
import type { TenancyApiDependencies } from './routes.ts';

test('the document has the routes of the table, and no others', () => {
  const paths = openApiDocument({ version: '1' })['paths'] as Record<string, object>;
  const table = tenancyRoutes({} as TenancyApiDependencies).map(
    ({ method, path }) => `${method} ${path.replaceAll(/:(\w+)/g, '{$1}')}`,
  );
  const described = Object.entries<object>(paths).flatMap(([path, item]) =>
    Object.keys(item)
      .filter((key) => key !== 'parameters')
      .map((method) => `${method.toUpperCase()} ${path}`),
  );
  assert.deepEqual(described.toSorted(), table.toSorted());
});
