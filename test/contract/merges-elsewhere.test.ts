// Everything about keeping house once more, with merges as another thread does them.
import { TsdbUnderTest } from './tsdb-under-test.ts';

TsdbUnderTest.areMergesElsewhere = true;
await import('./keeping.test.ts');
await import('./tsdb.test.ts');
