// Entry point of the server. Nothing but the compile cache and the hand-over: what is imported
// before the cache is on would be compiled anew at every start.
import { enableCompileCache } from 'node:module';

enableCompileCache();
const { runServer } = await import('./server.ts');
await runServer(process.argv.slice(2));
