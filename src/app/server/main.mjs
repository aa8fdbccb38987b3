// Entry point of the server, and the one file of it that is plain JavaScript: main.ts is a link to
// it. A TypeScript entry makes Node load the compiler that strips types before the compile cache
// can be turned on: 14 MB and 40 ms (docs/decisions/0006). Nothing but the cache and the hand-over:
// what is imported before the cache is on would be compiled anew at every start.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runServer } = await import('./server.ts');
await runServer(process.argv.slice(2));
