/** Home of an empty store: the one line that writes the first point, in the protocols that work. */
import type { ReactNode } from 'react';
import { CopyButton } from '../ui/copy-button.tsx';

interface Recipe {
  readonly title: string;
  readonly what: string;
  readonly text: string;
}

function recipes(origin: string): readonly Recipe[] {
  return [
    {
      title: 'Influx line protocol',
      what: 'the Influx line',
      text: `curl '${origin}/write' --data-binary 'room,name=kitchen temperature=21.5'`,
    },
    {
      title: 'Prometheus text',
      what: 'the Prometheus line',
      text: `echo 'room_temperature{name="kitchen"} 21.5' | curl '${origin}/api/v1/import/prometheus' --data-binary @-`,
    },
    {
      title: 'Prometheus remote write, in prometheus.yml',
      what: 'the remote write setting',
      text: `remote_write:\n  - url: ${origin}/api/v1/write`,
    },
  ];
}

export function EmptyStore(): ReactNode {
  const origin = new URL('.', document.baseURI).href.replace(/\/$/, '');
  return (
    <section className="empty-store" aria-labelledby="empty-title">
      <h2 id="empty-title">Nothing is stored yet</h2>
      <p>
        Write the first point with the client you already have. This page looks every second and
        shows it as soon as it is there.
      </p>
      {recipes(origin).map((recipe) => (
        <figure className="recipe" key={recipe.title}>
          <figcaption>
            <h3>{recipe.title}</h3>
            <CopyButton text={recipe.text} what={recipe.what} />
          </figcaption>
          <pre tabIndex={0} aria-label={recipe.title}>
            {recipe.text}
          </pre>
        </figure>
      ))}
      <p className="hint">
        A server started without <code>--no-collect</code> also writes its own and its host’s
        metrics, every five seconds.
      </p>
    </section>
  );
}
