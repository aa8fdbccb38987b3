/** Ingest: a dry run, refused rows, rules step by step; each with axe and a picture. */
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

const RULES =
  '- source_labels: [instance]\n  regex: ([^.:]+).*\n  target_label: host\n' +
  '- source_labels: [env]\n  regex: dev\n  action: drop\n';
/** What the mock reads of such rules, without brackets that it takes for a mistake. */
const PLAIN_RULES = RULES.replaceAll(/[()]/g, '');

for (const [theme, options] of THEMES) {
  journey(`Ingest tells what would become of a write, ${theme}`, options, async (look) => {
    mock().refusedCount = 812;
    mock().rules = PLAIN_RULES;
    const { page, at } = look;
    await page.goto(at('ingest'));
    const dry = page.getByRole('region', { name: 'Dry run' });
    await dry.getByText('1 point would be stored.').waitFor();
    const points = dry.getByRole('region', { name: 'Points' });
    await points.getByText('weather_temperature{city="Paris"}').waitFor();
    await points.getByText('a new series').waitFor();
    await dry.getByText('204').waitFor();
    const refused = page.getByRole('region', { name: 'Refused rows' });
    await refused.getByText('812 since the server started').waitFor();
    await refused.getByText('labels beyond the limits').waitFor();
    await refused.getByText('<b>\\u202Ehostile').waitFor();
    const rules = page.getByRole('region', { name: 'Relabelling' });
    await rules.getByText('Rule 2 drops the series.').waitFor();
    await assertAccessible(page);
    await screenshot(page, `ingest-${theme}`);
  });
}

journey('A bad line is refused, the reason and the answer are shown', LIGHT, async (look) => {
  const { page, at } = look;
  await page.goto(at('ingest'));
  const dry = page.getByRole('region', { name: 'Dry run' });
  await dry.getByRole('textbox', { name: 'Body' }).fill('bad line');
  await dry.getByText("1 row refused: unable to parse 'bad line': missing fields").waitFor();
  await dry.getByText('partial write: unable to parse').waitFor();
  await page.waitForURL(/\?body=bad\+line$/);
  await assertAccessible(page);
  await screenshot(page, 'ingest-refused');
  await dry.getByRole('combobox', { name: 'Protocol' }).selectOption('graphite');
  assert.equal(await dry.getByRole('textbox', { name: 'Body' }).inputValue(), 'bad line');
  await page.waitForURL(/protocol=graphite/);
  const link = page.url();
  await page.reload();
  await dry.getByText('1 row refused:').waitFor();
  assert.equal(page.url(), link);
  assert.equal(await dry.getByRole('combobox', { name: 'Protocol' }).inputValue(), 'graphite');
});

journey('Rules are tried while they are typed, and put in force', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  await page.goto(at('ingest'));
  const section = page.getByRole('region', { name: 'Relabelling' });
  await section.getByText('Tenant default has no rules.').waitFor();
  const rules = section.getByRole('textbox', { name: 'Rules' });
  const put = section.getByRole('button', { name: 'Put these rules in force' });
  assert.equal(await put.isDisabled(), true);
  await rules.fill('- regex: (\n');
  expectError(REFUSED);
  await section.getByText('line 2, column 10: error parsing regexp').waitFor();
  assert.equal(await rules.getAttribute('aria-invalid'), 'true');
  assert.equal(await put.isDisabled(), true);
  await assertAccessible(page);
  await screenshot(page, 'ingest-rules-wrong');
  await rules.fill(PLAIN_RULES);
  await section.getByText('+ host=db1').waitFor();
  await section.getByText('Rule 2 drops the series.').waitFor();
  await section.getByRole('textbox', { name: 'Labels' }).fill('up{env="prod"}');
  await section.getByText('up{env="prod"}').last().waitFor();
  await section.getByRole('textbox', { name: 'Labels' }).fill('up{env=prod}');
  await section.getByText('Expected name="value" at “env=prod”.').waitFor();
  await section.getByRole('textbox', { name: 'Labels' }).fill('up\nenv=prod');
  await put.click();
  await section.getByText('In force as version 7.').waitFor();
  await section.getByText('In force: 2 rules of tenant default, version 7.').waitFor();
  assert.equal(mock().rules, PLAIN_RULES);
});

journey(
  'A limit that was reached names who did, and its rules are previewed',
  LIGHT,
  async (look) => {
    mock().hasBreaches = true;
    mock().rules = PLAIN_RULES;
    const { page, at } = look;
    await page.goto(at('ingest'));
    const limits = page.getByRole('region', { name: 'Limits reached' });
    await limits.getByText('refused 1,840 times').waitFor();
    await limits.getByText('by remote-write from 10.1.2.3 with token abcdefabcdef').waitFor();
    await limits.getByText('samples-per-second').waitFor();
    await limits
      .getByText('Label session of http_requests_total had 1,000 or more values.')
      .waitFor();
    await limits.getByRole('button', { name: 'Try these rules' }).click();
    const section = page.getByRole('region', { name: 'Relabelling' });
    const rules = section.getByRole('textbox', { name: 'Rules' });
    const preview = section.getByRole('region', { name: 'Preview' });
    await preview.getByText('1,000 change').waitFor();
    await preview.getByText('201 would be left').waitFor();
    await preview.getByText('http_requests_total{session="8f3a"}').waitFor();
    const typed = await rules.inputValue();
    assert.ok(typed.startsWith(PLAIN_RULES.trimEnd()), 'the rules in force stay');
    assert.match(typed, /target_label: session/);
    assert.equal(
      await section.getByRole('textbox', { name: 'Labels' }).inputValue(),
      '__name__=http_requests_total\nsession=8f3a',
    );
    await assertAccessible(page);
    await screenshot(page, 'ingest-limits');
    await rules.fill(PLAIN_RULES);
    await preview.getByRole('button', { name: 'Preview on the last hour' }).click();
    await preview.getByText('1,200 stay as they are').waitFor();
  },
);

journey('Ingest without refusals, and what may not be seen', LIGHT, async (look) => {
  const { page, at, expectError } = look;
  expectError(REFUSED);
  await page.route('**/orrery/v1/relabel', async (route) =>
    route.fulfill({ status: 403, body: '{"error":{"message":"needs admin"}}' }),
  );
  await page.goto(at('ingest'));
  await page.getByText('No row of this tenant was refused.').waitFor();
  await page.getByText('This tenant has come to none of its limits').waitFor();
  await page.getByText('Only an administrator may see this.').waitFor();
  await assertAccessible(page);
  await screenshot(page, 'ingest-less');
});

journey('Ingest fits 360 px', NARROW, async (look) => {
  mock().refusedCount = 3;
  mock().rules = PLAIN_RULES;
  const { page, at } = look;
  await page.goto(at('ingest'));
  await page.getByText('Rule 2 drops the series.').waitFor();
  await page.getByText('1 point would be stored.').waitFor();
  await assertNoSidewaysScroll(look);
  await assertAccessible(page);
  await screenshot(page, 'ingest-360');
});
