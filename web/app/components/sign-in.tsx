/** Asks for a token where the server wants one. */
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { signIn } from '../api/session.ts';
import { Logo } from '../ui/logo.tsx';

/** `isRefused`: a token was presented and is not valid (any more). */
export function SignIn({ isRefused }: { readonly isRefused: boolean }): ReactNode {
  const [token, setToken] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    if (token.trim() !== '') signIn(token.trim());
  };
  return (
    <main id="main" className="sign-in">
      <h1>
        <Logo /> Orrery
      </h1>
      <form onSubmit={submit} aria-label="Sign in">
        <label>
          <span>Token</span>
          <input
            type="password"
            value={token}
            autoComplete="off"
            spellCheck={false}
            placeholder="orr_…"
            aria-describedby="sign-in-help"
            onChange={(event) => setToken(event.target.value)}
          />
        </label>
        <button type="submit" className="button" disabled={token.trim() === ''}>
          Sign in
        </button>
      </form>
      {isRefused && (
        <p className="is-bad" role="alert">
          The server does not take this token: it may be mistyped, expired or revoked.
        </p>
      )}
      <p className="hint" id="sign-in-help">
        The first one is in the file <code>admin-token</code> of the data folder. It is kept until
        this tab is closed.
      </p>
    </main>
  );
}
