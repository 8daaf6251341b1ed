// The desk's lists: they go on, say where one has begun to write, and rows are chosen in them; by keyboard, by plain forms, and
// while the stream goes on.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BIN, Browser, Server, axe, leads, sees, shot, visitor } from './kefu.js';

let server, browser, lin, email, password;
const ROWS = 200;
before(async () => {
  server = await Server.start(folder => {
    const sown = execFileSync(BIN, ['seed', '--data-dir', folder, '--conversations', '700', '--agents', '1', '--open', '450', '--entries', '4'], { stdio: ['ignore', 'pipe', 'ignore'] }).toString();
    email = 'agent1@seed.example';
    password = /password (\S+)/.exec(sown)[1];
  });
  browser = await Browser.start();
  lin = await signIn({ viewport: { width: 1440, height: 860 } });
  await lin.request.post(`${server.url}/desk/me/profile`, { form: { name: '林小雨', language: 'auto', theme: 'auto' }, headers: { 'sec-fetch-site': 'same-origin' } });
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

async function signIn(options) {
  const page = await browser.person(options);
  await page.goto(`${server.url}/login`);
  await page.fill('#email', email);
  await page.fill('#password', password);
  await page.click('main form button.btn-p');
  await page.waitForURL('**/desk/c?**');
  return page;
}

const ids = page => page.locator('.rows .row').evaluateAll(rows => rows.map(row => row.id));
/** Once nobody goes through the list any more, its rows stand where they belong. */
const inOrder = page => page.waitForFunction(() => {
  const keys = [...document.querySelectorAll('#rows > [data-k]:not(.empty)')].map(one => +one.dataset.k);
  return keys.length > 1 && !document.querySelector('#rows .room, #rows [hidden]') && keys.every((key, n) => !n || keys[n - 1] <= key);
});
const press = async (...all) => { for (const key of all) await lin.keyboard.press(key); };
const focus = () => lin.evaluate('document.activeElement.id');
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 860 } };

/** A page in both languages, themes and sizes: axe finds nothing, and nothing scrolls sideways. */
async function whole(name, path, reach = async () => {}) {
  for (const colorScheme of ['light', 'dark']) for (const [size, viewport] of Object.entries(SIZES)) for (const locale of ['zh-CN', 'en']) {
    const page = await browser.person({ storageState: await lin.context().storageState(), colorScheme, viewport, locale });
    await page.goto(server.url + path);
    await reach(page);
    await shot(page, `${name}-${size}-${colorScheme}-${locale}`);
    assert.deepEqual(await axe(page), [], `${name} ${size} ${colorScheme} ${locale}`);
    assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${name} ${size}`);
    await page.context().close();
  }
}

test('whoever waits a minute turns amber, and cinnabar after three', async () => {
  const page = await browser.person({ storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  await (await visitor(browser, server, '等了多久')).context().close();
  const row = page.locator('.row', { hasText: '等了多久' }), wait = row.locator('.wait');
  await page.goto(`${server.url}/desk/c?tab=queue`);
  await wait.waitFor();
  const since = Date.parse(await wait.getAttribute('data-since')), seen = () => wait.evaluate(el => getComputedStyle(el).color);
  const token = name => page.evaluate(name => {
    const probe = document.body.appendChild(document.createElement('i'));
    probe.style.setProperty('color', `var(${name})`);
    const color = getComputedStyle(probe).color;
    probe.remove();
    return color;
  }, name);
  for (const [seconds, color, clock] of [[30, '--ink3', '0:3'], [62, '--warn', '1:0'], [170, '--warn', '2:5'], [182, '--danger', '3:0'], [7200, '--danger', '2 小时'], [48 * 3600, '--danger', '2 天']]) {
    await page.clock.setFixedTime(since + seconds * 1000);
    await wait.filter({ hasText: ` ${clock}` }).waitFor();
    assert.equal(await seen(), await token(color), `${seconds} s`);
  }
  await page.context().close();
  const plain = await browser.person({ storageState: await lin.context().storageState(), javaScriptEnabled: false });
  await plain.goto(`${server.url}/desk/c?tab=queue`);
  assert.match(await plain.locator('.row', { hasText: '等了多久' }).locator('.wait').textContent(), /^等待 \d+:\d\d$/);
  await plain.context().close();
});

test('what comes after a page is put below it, each row once, and the focus goes on', async () => {
  for (const [tab, most] of [['all', 541], ['mine', 450], ['closed', 160]]) {
    await lin.goto(`${server.url}/desk/c?tab=${tab}`);
    // What was sown a moment ago the stream may bring once more, also from further down.
    while (await lin.locator('#more').count()) {
      const place = await lin.locator('#more a').getAttribute('href'), stood = await ids(lin);
      await lin.locator('#more a').focus();
      await press('Enter');
      await lin.waitForFunction(place => document.querySelector('#more a')?.getAttribute('href') !== place, place);
      await lin.waitForFunction(stood => document.activeElement.matches('.row') && !stood.includes(document.activeElement.id), stood);
    }
    const all = await ids(lin);
    assert.equal(all.length, most, tab);
    assert.equal(new Set(all).size, most);
    await inOrder(lin);
  }
});

test('a row that the stream brings stands once, above or below the link, and stays so when its page comes', async () => {
  await lin.goto(`${server.url}/desk/c?tab=all`);
  const place = await lin.locator('#more a').getAttribute('href');
  const far = await lin.request.get(server.url + place).then(answer => answer.text());
  const below = /id="c-(\d+)"[^>]*>(?![^]*id="c-\d+")/.exec(far)[1];
  const invite = id => lin.request.post(`${server.url}/desk/c/${id}/unread`, { form: { tab: 'all' }, headers: { 'sec-fetch-site': 'same-origin' } });
  await lin.request.post(`${server.url}/desk/c/${below}/seen`, { form: { seq: '99' }, headers: { 'sec-fetch-site': 'same-origin' } });
  await invite(below);
  const row = lin.locator(`#c-${below}`);
  await row.waitFor({ state: 'attached' });
  assert.equal(await lin.locator(`#more ~ #c-${below}`).count(), 1, 'further down than what is here');
  await visitor(browser, server, '新的一位');
  await lin.locator('.row', { hasText: '新的一位' }).waitFor({ state: 'attached' });
  await lin.locator('#more a').click();
  await lin.waitForFunction(shown => document.querySelectorAll('#rows .row').length >= shown, 2 * ROWS);
  const all = await ids(lin);
  assert.equal(new Set(all).size, all.length);
  await inOrder(lin);
  assert.ok(all.length >= 2 * ROWS && all.includes(`c-${below}`), `${all.length}`);
});

test('without scripts the link leads to a page of its own, and back', async () => {
  const bare = await browser.person({ storageState: await lin.context().storageState(), viewport: SIZES.desktop, javaScriptEnabled: false });
  await bare.goto(`${server.url}/desk/c?tab=mine`);
  const seen = new Set(await ids(bare));
  while (await bare.locator('#more a').count()) {
    await leads(bare, () => bare.locator('#more a').click());
    for (const id of await ids(bare)) {
      assert.ok(!seen.has(id), `${id} stands twice`);
      seen.add(id);
    }
  }
  assert.equal(seen.size, 450);
  await bare.locator('.rest a', { hasText: '回到列表开头' }).click();
  assert.ok(bare.url().endsWith('/desk/c?tab=mine'));
  await bare.locator('.row').first().click();
  await bare.locator('.back').waitFor({ state: 'attached' });
  assert.ok((await bare.locator('.back').getAttribute('href')).endsWith('/desk/c?tab=mine'));
  await bare.context().close();
});

test('a row says that something is begun there, while it moves, until it is sent', async () => {
  const vera = await visitor(browser, server, '草稿会留下吗');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const row = lin.locator('.row', { hasText: '草稿' });
  await row.click();
  await lin.locator('#body').fill('您好，我');
  await row.locator('.draft', { hasText: '[草稿]' }).waitFor();
  await vera.fill('#body', '草稿还在吗');
  await vera.click('form#f button.btn-p');
  await lin.locator('.row', { hasText: '草稿还在吗' }).locator('.draft').waitFor({ state: 'attached' });
  await lin.waitForFunction(() => !Object.keys(sessionStorage).some(key => key.startsWith('kefu-draft')));
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  // Rows out of sight are not drawn.
  await row.locator('.draft').waitFor({ state: 'attached' });
  await whole('draft', '/desk/c?tab=queue', page => page.locator('.row .draft').first().evaluate(mark => {
    mark.scrollIntoView();
    // What came into sight is drawn with the next frames.
    return new Promise(drawn => requestAnimationFrame(() => requestAnimationFrame(drawn)));
  }));
  await row.click();
  await lin.locator('#conv[data-cid]:focus').waitFor();
  await lin.locator('#body').press('Enter');
  await sees(vera, '您好，我');
  await row.locator('.draft').waitFor({ state: 'detached' });
  await lin.goto(`${server.url}/desk/c?tab=mine`);
  // It is forgotten once the answer stands in the log.
  await lin.waitForFunction(() => !document.querySelector('.row .draft'));
});

test('what is begun on one device is marked on another at once, and the mark goes with it', async () => {
  const vera = await visitor(browser, server, '两台电脑');
  const other = await signIn({ viewport: SIZES.desktop });
  await other.goto(`${server.url}/desk/c?tab=queue`);
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '两台电脑' }).click();
  await lin.locator('#body').fill('您好');
  await other.locator('.row', { hasText: '两台电脑' }).locator('.draft').waitFor({ state: 'attached' });
  // News of the row comes without it.
  await vera.fill('#body', '两台电脑都看得到吗');
  await vera.click('form#f button.btn-p');
  const row = other.locator('.row', { hasText: '两台电脑都看得到吗' });
  await row.locator('.draft').waitFor({ state: 'attached' });
  await lin.locator('#body').fill('');
  await row.locator('.draft').waitFor({ state: 'detached' });
  assert.equal(await row.count(), 1);
  await other.context().close();
});

test('U marks a conversation as unread and goes back to its row, and opening reads it again', async () => {
  const vera = await visitor(browser, server, '以后再看');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const row = lin.locator('.row', { hasText: '以后再看' });
  await row.click();
  await sees(lin, '以后再看');
  await press('a');
  await lin.locator('.bar[data-state=open]').waitFor();
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await row.click();
  await sees(lin, '以后再看');
  await row.locator('.badge').waitFor({ state: 'detached' });
  await vera.locator('#read').waitFor();
  const id = await row.getAttribute('id');
  await press('u');
  await lin.locator('.conv.none').waitFor();
  await row.locator('.badge', { hasText: '1' }).waitFor();
  assert.equal(await lin.evaluate('location.pathname + location.search'), '/desk/c?tab=all');
  await lin.waitForFunction(id => document.activeElement.id === id, id);
  assert.equal(await vera.locator('#read').count(), 1, 'she is not told');
  await press('Enter');
  await sees(lin, '以后再看');
  await row.locator('.badge').waitFor({ state: 'detached' });
  // By the menu, too.
  await lin.locator('.conv .bar details.menu > summary').click();
  await shot(lin, 'unread-menu-light-zh-CN');
  assert.deepEqual(await axe(lin), []);
  await lin.locator('.conv .bar .pop button', { hasText: '标为未读' }).click();
  await row.locator('.badge', { hasText: '1' }).waitFor();
  const bare = await browser.person({ storageState: await lin.context().storageState(), viewport: SIZES.desktop, javaScriptEnabled: false });
  await bare.goto(`${server.url}/desk/c/${id.slice(2)}?tab=all`);
  await bare.locator('.conv .bar details.menu > summary').click();
  await bare.locator('.conv .bar .pop button', { hasText: '标为未读' }).click();
  await bare.waitForURL('**/desk/c?tab=all');
  await bare.context().close();
});

test('rows are chosen in the list by keys, by Shift, and without scripts over several pages', async () => {
  await lin.goto(`${server.url}/desk/c?tab=mine`);
  const shown = await ids(lin);
  await lin.locator(`#${shown[2]}`).focus();
  await press('x');
  await lin.waitForURL('**select=1&id=**');
  const said = lin.locator('.picked [role=status]'), chosen = () => lin.locator('#picks :checked').evaluateAll(all => all.map(one => `c-${one.value}`));
  assert.deepEqual(await chosen(), [shown[2]]);
  await lin.locator('.pick input:focus').waitFor();
  await press('ArrowDown', 'x', 'ArrowDown', 'Space');
  assert.deepEqual(await chosen(), shown.slice(2, 5));
  assert.equal(await said.textContent(), '已选 3 个');
  await lin.locator('.pick').nth(9).click({ modifiers: ['Shift'] });
  assert.deepEqual(await chosen(), shown.slice(2, 10));
  assert.equal(await said.textContent(), '已选 8 个');
  await press('Enter');
  await lin.waitForURL('**/desk/bulk?**');
  const ticked = await lin.locator('.picks :checked').evaluateAll(all => all.map(one => `c-${one.value}`));
  assert.deepEqual(ticked.toSorted(), shown.slice(2, 10).toSorted());
  await lin.goBack();
  await lin.waitForURL('**select=1**');
  await said.filter({ hasText: '8' }).waitFor();
  assert.equal((await chosen()).length, 8);
  assert.equal(await said.textContent(), '已选 8 个');
  await press('Escape');
  await lin.waitForURL('**/desk/c?tab=mine');

  const bare = await browser.person({ storageState: await lin.context().storageState(), viewport: SIZES.desktop, javaScriptEnabled: false });
  await bare.goto(`${server.url}/desk/c?tab=mine`);
  await bare.locator('.list .bar a[href*="select=1"]').click();
  await bare.locator('.pick').nth(1).click();
  await leads(bare, () => bare.locator('.rest button').click());
  await bare.locator('.pick').nth(0).click();
  await leads(bare, () => bare.locator('.picked button').click());
  assert.deepEqual((await bare.locator('.picks :checked').evaluateAll(all => all.map(one => `c-${one.value}`))).length, 2);
  await bare.locator('button[value=tag]').waitFor({ state: 'attached' });
  await bare.context().close();
  await whole('choose', '/desk/c?tab=mine&select=1', page => page.locator('.pick').nth(1).click());
  await whole('list-more', '/desk/c?tab=mine', page => page.locator('#more').evaluate(more => more.scrollIntoView()));
});
