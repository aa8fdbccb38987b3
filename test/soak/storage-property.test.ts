// Tens of thousands of random histories: the engine never differs from the in-memory storage.
import { propertyTests } from '../contract/cases-property.ts';
import { TsdbUnderTest } from '../contract/tsdb-under-test.ts';

const RUNS = 20_000;

propertyTests(() => new TsdbUnderTest().open(), RUNS);
