/** Limits of a tenant that are not the defaults; each can be changed or be the default again. */
import { useState, type SubmitEvent, type ReactNode } from 'react';
import { setLimit, type Tenant } from '../api/tenancy.ts';
import { useAction } from '../hooks/use-action.ts';
import { visible } from '../util/labels.ts';

interface TenantLimitsProps {
  readonly tenant: Tenant;
  readonly onChanged: () => void;
}

export function TenantLimits({ tenant, onChanged }: TenantLimitsProps): ReactNode {
  const { said, run } = useAction(onChanged);
  const { name, limits } = tenant;
  const own = Object.entries(limits);
  return (
    <section aria-label="Limits">
      <div className="section-head">
        <h2>Limits</h2>
        <span className="hint" role="status">
          {said}
        </span>
      </div>
      {own.length === 0 && <p className="hint">Tenant {visible(name)} has the defaults.</p>}
      {own.length > 0 && (
        <div className="table-scroll" tabIndex={0} role="region" aria-label="List of limits">
          <table>
            <thead>
              <tr>
                <th scope="col">Limit</th>
                <th scope="col" className="num">
                  At most
                </th>
                <th scope="col">
                  <span className="visually-hidden">Action</span>
                </th>
              </tr>
            </thead>
            <tbody>
              {own.map(([id, value]) => (
                <tr key={id}>
                  <th scope="row">{visible(id)}</th>
                  <td className="num">{value.toLocaleString('en')}</td>
                  <td className="num">
                    <button
                      type="button"
                      className="button"
                      onClick={() =>
                        run(async () => setLimit(name, id, null), `${id} is the default again.`)
                      }
                    >
                      Default<span className="visually-hidden"> of {id}</span>
                    </button>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
      <SetLimit
        onSet={(id, value) =>
          run(async () => setLimit(name, id, value), `${id} is ${value.toLocaleString('en')}.`)
        }
      />
    </section>
  );
}

interface SetLimitProps {
  readonly onSet: (id: string, value: number) => void;
}

function SetLimit({ onSet }: SetLimitProps): ReactNode {
  const [id, setId] = useState('');
  const [value, setValue] = useState('');
  const submit = (event: SubmitEvent): void => {
    event.preventDefault();
    onSet(id.trim(), Number(value));
  };
  const isReady = id.trim() !== '' && /^\d+$/.test(value);
  return (
    <form className="form-row" onSubmit={submit} aria-label="Set a limit">
      <label>
        <span>Limit</span>
        <input
          type="text"
          value={id}
          placeholder="active-series"
          spellCheck={false}
          autoComplete="off"
          onChange={(event) => setId(event.target.value)}
        />
      </label>
      <label>
        <span>At most</span>
        <input
          type="text"
          inputMode="numeric"
          value={value}
          placeholder="1000000"
          autoComplete="off"
          onChange={(event) => setValue(event.target.value.trim())}
        />
      </label>
      <button type="submit" className="button" disabled={!isReady}>
        Set
      </button>
    </form>
  );
}
