/**
 * Build of the console: static files in dist/web with hashed names. Addresses are relative, so the
 * same files work at the root and behind a prefix; every place of the console is one level deep.
 */
import { defineConfig } from 'vite';

export default defineConfig({
  root: import.meta.dirname,
  base: './',
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    target: 'es2023',
    // light-dark() and oklch() reach the browser untouched: one set of tokens serves both themes.
    cssTarget: ['chrome123', 'firefox128', 'safari17.5'],
    // No inlined data: addresses; the content security policy stays at 'self'.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // How long plugins took is no news to whoever starts the server for the first time.
    rolldownOptions: { checks: { pluginTimings: false } },
  },
});
