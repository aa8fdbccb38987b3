/** Tenants: the list, tokens shown once and revoked, limits, changes, signing in; axe, pictures. */
import assert from 'node:assert/strict';
import { assertAccessible, screenshot } from './harness.ts';
import {
  assertNoSidewaysScroll,
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
    await page
      .getByRole('region', { name: 'Changes', exact: true })
      .getByText('token-create')
      .waitFor();
    await page.getByText('New token').click();
    await assertAccessible(page);
    await screenshot(page, `tenants-${theme}`);
  });
}

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
