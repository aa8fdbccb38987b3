// The connections once more, on a server of two shards: threads take them and hand on what does not
// write.
import { MORE_ARGS } from './harness.ts';

process.env[MORE_ARGS] = '--shards 2';
await import('./connections.test.ts');
