/**
 * The content security policy the console is built for, and which the product's server is expected
 * to send with its pages. Nothing inline: scripts, styles and fonts come from the same origin only.
 */
export const CONSOLE_CSP = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');
