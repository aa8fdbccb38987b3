/** Tenants: the list, tokens shown once and revoked, limits, changes, signing in; axe, pictures. */
import assert from 'node:assert/strict';
import { assertAccessible, screenshot } from './harness.ts';
import {
  assertNoSidewaysScroll,
  DARK,
  LIGHT,
  mockJourneys,
  NARROW,
  REFUSED,
  THEMES,
} from './mock-journeys.ts';

const { journey, mock } = mockJourneys();

for (const [theme, options] of THEMES) {
  journey(`A tenant shows tokens, limits, series and changes, ${theme}`, options, async (look) => {
    const { page, at } = look;
    await page.goto(at('tenants'));
    const list = page.getByRole('region', { name: 'List of tenants' });
    await list.getByRole('link', { name: 'shop' }).click();
    await page.waitForURL(/tenants\?tenant=shop$/);
    const tokens = page.getByRole('region', { name: 'List of tokens' });
    await tokens.getByRole('rowheader', { name: /agent of the shop/ }).waitFor();
    await tokens.getByText('writes {env="prod"}; reads {env="prod"}').waitFor();
    const limits = page.getByRole('region', { name: 'Limits', exact: true });
    await limits.getByRole('row', { name: /active-series .*250,000 of the tenant/ }).waitFor();
    await limits.getByRole('row', { name: /samples-per-second – 1,000,000 default/ }).waitFor();
    const used = page.getByRole('region', { name: 'Use', exact: true });
    await used
      .getByRole('img', { name: /Points written an hour: line chart of 1 series/ })
      .waitFor();
    await used.getByRole('row', { name: /agent promql 0 / }).waitFor();
    await page.getByText('1,840 stored').waitFor();
    const reached = page.getByRole('region', { name: 'Limits reached' });
    await reached.getByText('refused 1,840 times').waitFor();
    await reached.getByRole('region', { name: 'Proposed rules' }).waitFor();
    assert.equal(await reached.getByRole('button').count(), 0, 'rules are tried on Ingest');
    const refused = page.getByRole('region', { name: 'Refused rows' });
    await refused.getByText('3 since the server started').waitFor();
    const growth = page.getByRole('region', { name: 'Growth since yesterday' });
    await growth.getByText('1,840 series in the last hour, 1,210 a day before').waitFor();
    const requests = growth.getByRole('row', { name: /^http_requests_total \+620 1,200 580/ });
    await requests.getByText(/^token agent, otlp, 2026-11-29/).waitFor();
    await requests.getByText('http_requests_total{env="prod", path="/cart/1"}').waitFor();
    await growth
      .getByRole('region', { name: 'Labels with more values' })
      .getByText('+65')
      .waitFor();
    await page
      .getByRole('region', { name: 'Changes', exact: true })
      .getByText('token-create')
      .waitFor();
    await page.getByText('New token').click();
    await assertAccessible(page);
    await screenshot(page, `tenants-${theme}`);
  });
}

journey('One metric is looked into, and the address says which', DARK, async (look) => {
  const { page, at } = look;
  await page.goto(at('tenants?tenant=shop'));
  const growth = page.getByRole('region', { name: 'Growth since yesterday' });
  await growth.getByRole('link', { name: 'http_requests_total' }).click();
  await page.waitForURL(/tenants\?tenant=shop&metric=http_requests_total$/);
  await growth.getByText('1,200 series in the last hour, 580 a day before').waitFor();
  await growth.getByRole('row', { name: /http_request_seconds/ }).waitFor({ state: 'detached' });
  const series = page.getByRole('region', { name: 'Series', exact: true });
  await series.getByRole('link', { name: 'http_requests_total' }).waitFor();
  await assertAccessible(page);
  await growth.scrollIntoViewIfNeeded();
  await screenshot(page, 'tenants-metric');
  await series.getByRole('link', { name: 'All metrics' }).click();
  await page.waitForURL(/tenants\?tenant=shop$/);
  await growth.getByText('not known; it is since').waitFor();
  await page.goBack();
  await growth.getByText('1,200 series in the last hour').waitFor();
});

journey('A tenant that did not grow says so', LIGHT, async ({ page, at }) => {
  await page.goto(at('tenants?tenant=default'));
  await page.getByText(/^Nothing became more: the last hour has the series/).waitFor();
  await page.getByText(/^This tenant has come to none of its limits/).waitFor();
  await page.getByText('No row of this tenant was refused.').waitFor();
  await assertAccessible(page);
});

journey('A tenant sees its own, and is offered what it may do', LIGHT, async (look) => {
  const { page, at } = look;
  mock().isOwnToken = true;
  await page.goto(at('tenants?tenant=shop'));
  await page.getByText('New token').click();
  const form = page.getByRole('form', { name: 'New token' });
  await form.getByRole('checkbox', { name: 'admin' }).waitFor();
  await page.getByRole('row', { name: /active-series .*250,000 of the tenant/ }).waitFor();
  assert.equal(await form.getByRole('checkbox', { name: /metrics/ }).count(), 0);
  for (const name of ['New tenant', 'Set a limit'])
    assert.equal(await page.getByRole('form', { name }).count(), 0, name);
  assert.equal(await page.getByRole('button', { name: /^(Suspend|Default)/ }).count(), 0);
  await assertAccessible(page);
  await screenshot(page, 'tenants-own');
});

journey('The scraper of the server gets a token for that alone', LIGHT, async ({ page, at }) => {
  await page.goto(at('tenants?tenant=default'));
  await page.getByText('New token').click();
  const form = page.getByRole('form', { name: 'New token' });
  await form.getByRole('textbox', { name: 'Name' }).fill('scraper');
  for (const name of ['read', 'write']) await form.getByRole('checkbox', { name }).uncheck();
  await form.getByRole('checkbox', { name: 'metrics of the server' }).check();
  await assertAccessible(page);
  await screenshot(page, 'token-metrics');
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByText('orr_id0_secret').waitFor();
  const [made] = mock().tenancy.tenants.get('default')!.tokens;
  assert.deepEqual(made!['permissions'], ['metrics']);
});

journey('A token is shown once, and revoked after a second question', LIGHT, async (look) => {
  const { page, at } = look;
  await page.goto(at('tenants?tenant=shop'));
  await page.getByText('New token').click();
  const form = page.getByRole('form', { name: 'New token' });
  await form.getByRole('textbox', { name: 'Name' }).fill('reader');
  await form.getByRole('checkbox', { name: 'write' }).uncheck();
  await form.getByRole('textbox', { name: 'Selector of what it reads' }).fill('{team="a"}');
  await form.getByRole('combobox', { name: 'Expires' }).selectOption('30d');
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByText('orr_id1_secret').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'token-made');
  const [, made] = mock().tenancy.tenants.get('shop')!.tokens;
  assert.deepEqual(made!['permissions'], ['read']);
  assert.deepEqual(made!['matchers'], ['{team="a"}']);
  assert.equal(made!['expires_in'], '30d');
  await page.getByRole('button', { name: 'I have it' }).click();
  await page.getByText('orr_id1_secret').waitFor({ state: 'detached' });
  const tokens = page.getByRole('region', { name: 'List of tokens' });
  await tokens.getByRole('button', { name: 'Revoke reader' }).click();
  await tokens.getByRole('button', { name: 'Yes, revoke reader' }).click();
  await page.getByText('reader is revoked.').waitFor();
  assert.equal(made!.state, 'revoked');
});

journey('A tenant is created, suspended and limited', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.goto(at('tenants'));
  const form = page.getByRole('form', { name: 'New tenant' });
  await form.getByRole('textbox', { name: 'New tenant' }).fill('shop');
  await form.getByRole('button', { name: 'Create' }).click();
  await page.getByText('there is a tenant "shop" already').waitFor();
  await form.getByRole('textbox', { name: 'New tenant' }).fill('lab');
  await form.getByRole('button', { name: 'Create' }).click();
  await page.waitForURL(/tenants\?tenant=lab$/);
  await page.getByText('No token of tenant lab yet.').waitFor();
  const list = page.getByRole('region', { name: 'List of tenants' });
  await list.getByRole('button', { name: 'Suspend lab' }).click();
  await page.getByText('lab is suspended.').waitFor();
  await list.getByRole('button', { name: 'Resume lab' }).waitFor();
  const limit = page.getByRole('form', { name: 'Set a limit' });
  await limit.getByRole('combobox', { name: 'Limit' }).fill('active-series');
  await limit.getByRole('textbox', { name: 'At most' }).fill('5000');
  await limit.getByRole('button', { name: 'Set' }).click();
  await page.getByText('active-series is 5,000.').waitFor();
});

journey('A server that wants a token is signed in to, and out of', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  mock().wantsToken = true;
  await page.goto(at('tenants'));
  const form = page.getByRole('form', { name: 'Sign in' });
  await form.waitFor();
  await assertAccessible(page);
  await screenshot(page, 'sign-in');
  await form.getByLabel('Token').fill('orr_bad');
  await form.getByRole('button', { name: 'Sign in' }).click();
  await page.getByText('The server does not take this token').waitFor();
  await form.getByLabel('Token').fill('orr_good');
  await form.getByRole('button', { name: 'Sign in' }).click();
  await page.getByRole('region', { name: 'List of tenants' }).waitFor();
  assert.ok(!page.url().includes('orr_'), page.url());
  await page.getByRole('button', { name: 'Sign out' }).click();
  await form.waitFor();
});

journey('Tenants fit a narrow screen', NARROW, async (look) => {
  await look.page.goto(look.at('tenants?tenant=shop'));
  await look.page.getByText('1,840 stored').waitFor();
  await assertNoSidewaysScroll(look);
  await screenshot(look.page, 'tenants-narrow');
});
