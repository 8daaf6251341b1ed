// What one wants is within reach, however much there is of it: the buttons of forms, emoji, the palette's line, a way back.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, axe, owner, say, sees, shot, visitor } from './kefu.js';

const PHONE = { width: 390, height: 844 }, DESKTOP = { width: 1440, height: 860 };
let server, browser, lin, path;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  await lin.request.post(`${server.url}/desk/me/profile`, { form: { name: '林小雨', language: 'auto', theme: 'auto' }, headers: { 'sec-fetch-site': 'same-origin' } });
  await visitor(browser, server, '够得着');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').first().click();
  await lin.locator('.conv .bar button[data-key=a]').click();
  await lin.locator('.bar[data-state=open]').waitFor();
  path = new URL(lin.url()).pathname;
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

const made = (what, form) => lin.request.post(`${server.url}/desk/settings/${what}`, { form, headers: { 'sec-fetch-site': 'same-origin' } });

/** Whether all of it is in the window, and nothing lies over its middle. */
const inReach = locator => locator.evaluate(el => {
  const { left, right, top, bottom } = el.getBoundingClientRect();
  const over = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
  return left >= 0 && top >= 0 && right <= innerWidth && bottom <= innerHeight && el.contains(over);
});

/** On a phone and on a desktop, light and dark, in both languages; `looked` is called with each page and its name. */
async function everywhere(address, looked) {
  for (const [size, viewport] of Object.entries({ phone: PHONE, desktop: DESKTOP })) for (const [colorScheme, locale] of [['light', 'zh-CN'], ['dark', 'en']]) {
    const page = await browser.person({ storageState: await lin.context().storageState(), colorScheme, viewport, locale });
    await page.goto(server.url + address);
    await looked(page, `${size}-${colorScheme}-${locale}`);
    assert.ok(await page.evaluate('document.documentElement.scrollWidth <= innerWidth'), `${address} ${size}`);
    await page.context().close();
  }
}

test('a form under the head is saved or left with sixty tags as with two, and the composer stays where it is', async () => {
  for (let number = 1; number <= 60; number++) await made('tags', { name: `标签 ${number}` });
  for (const part of ['tags', 'close', 'snooze']) {
    await everywhere(path, async (page, name) => {
      await page.locator('.bar details.menu summary').click();
      await page.locator(`.bar .pop a[href*="/${part}"]`).click();
      await page.locator('#act .panel').waitFor();
      await shot(page, `form-${part}-${name}`);
      assert.ok(await inReach(page.locator('#act .acts > .btn').last()), `${part} ${name}: cancel`);
      if (part !== 'snooze') assert.ok(await inReach(page.locator('#act .acts > .btn-p')), `${part} ${name}: save`);
      assert.ok(await inReach(page.locator('#f .btn-p')), `${part} ${name}: the composer`);
      assert.deepEqual(await axe(page), []);
    });
  }
});

test('emoji stand in whole rows, and the palette shows what is typed into it', async () => {
  await everywhere(path, async (page, name) => {
    await page.click('#emoji-open');
    await page.locator('#emoji button:focus').waitFor();
    await shot(page, `emoji-${name}`);
    assert.equal(await page.locator('#emoji [role=group]').evaluateAll(groups => groups.filter(group => group.scrollHeight > group.clientHeight + 1).length), 0);
    await page.keyboard.press('Escape');
    await page.keyboard.press('Control+k');
    await page.locator('#palette-q:focus').waitFor();
    await shot(page, `palette-${name}`);
    assert.ok(await inReach(page.locator('#palette-q')), name);
    // What tells one of the same name from another.
    const more = page.locator('#palette .more').first();
    assert.ok(await inReach(more) && await more.evaluate(words => getComputedStyle(words).opacity === '1'), name);
    assert.ok(await page.locator('.palette-line').evaluate(line => line.clientHeight >= line.querySelector('input').offsetHeight));
  });
});

test('the filter opens and closes by its button, by Escape and by Cancel, and views stand first in it', async () => {
  await lin.request.post(`${server.url}/desk/views`, { form: { name: '加急未读', asks: 'tab=all&priority=urgent&unread=1' }, headers: { 'sec-fetch-site': 'same-origin' } });
  await everywhere('/desk/c?tab=all', async (page, name) => {
    const button = page.locator('a[data-panel="#filter"]'), form = page.locator('#filter .filter');
    for (const leave of [() => button.click(), () => page.keyboard.press('Escape'), () => form.locator('[data-dismiss]').click()]) {
      await button.click();
      await form.waitFor();
      assert.equal(await button.getAttribute('aria-expanded'), 'true');
      await leave();
      await form.waitFor({ state: 'detached' });
      assert.equal(await button.getAttribute('aria-expanded'), 'false');
      assert.ok(await button.evaluate(el => el === document.activeElement), `${name}: the focus is where it was`);
    }
    await button.click();
    await form.waitFor();
    await shot(page, `filter-open-${name}`);
    assert.ok(await inReach(form.locator('.views a').first()), name);
    assert.deepEqual(await axe(page), []);
    const pencil = form.locator('.views summary').first(), where = await pencil.boundingBox();
    await pencil.click();
    assert.deepEqual(await pencil.boundingBox(), where, `${name}: the button stays where it is`);
    assert.ok(await inReach(form.locator('.views .keep button').first()), name);
    assert.deepEqual(await axe(page), []);
    await form.locator('.views a').first().click();
    await page.locator('.narrowed', { hasText: '加急未读' }).waitFor();
    await shot(page, `view-${name}`);
    // Nothing matches it, and that is what is said.
    await page.locator('.empty').waitFor();
    assert.ok(await inReach(page.locator('.narrowed a[href="/desk/c?tab=all"]')), name);
    assert.equal(await page.locator('.empty a[href="/demo"]').count(), 0);
    await page.goto(`${server.url}/desk/c?tab=mine`);
    await page.keyboard.press('Control+k');
    await page.locator('#palette-q:focus').waitFor();
    await page.keyboard.type('加急');
    await page.locator('#palette [role=option][aria-selected=true]', { hasText: '加急未读' }).waitFor();
    await page.keyboard.press('Enter');
    await page.locator('.narrowed', { hasText: '加急未读' }).waitFor();
  });
});

test('rows stay where they are while one points at them, and move when one looks elsewhere', async () => {
  for (const words of ['第二位', '第三位', '第四位']) await visitor(browser, server, words);
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '第四位' }).waitFor();
  const ids = () => lin.locator('#rows > .row:not([hidden])').evaluateAll(rows => rows.map(row => row.id));
  const act = (id, verb, form) => lin.request.post(`${server.url}/desk/c/${id.slice(2)}/${verb}`, { form: { nonce: `${verb}-${id}`, ...form }, headers: { 'sec-fetch-site': 'same-origin' } });
  const before = await ids(), [first, second, third] = before;
  const { x, y } = await lin.locator(`#${second}`).boundingBox();
  await lin.mouse.move(x + 90, y + 20);
  await lin.mouse.move(x + 91, y + 20);
  // However long it takes: whoever points moves a little.
  let to = 0;
  const hand = setInterval(() => lin.mouse.move(x + 90 + (to ^= 1), y + 20).catch(() => {}), 300);
  await act(third, 'priority', { priority: 'urgent' });
  await lin.locator(`#${third} .prio`).waitFor();
  assert.deepEqual(await ids(), before, 'drawn in place');
  await act(first, 'claim', {});
  await lin.locator('#rows > .room').waitFor();
  assert.equal((await lin.locator(`#${second}`).boundingBox()).y, y, 'what leaves keeps its room');
  clearInterval(hand);
  await lin.mouse.move(900, 700);
  await lin.locator('#rows > .room').waitFor({ state: 'detached' });
  assert.deepEqual(await ids(), [third, second]);
  // By keys as well; and it goes on by itself once they rest.
  await lin.locator(`#${second}`).focus();
  const keys = setInterval(() => lin.keyboard.press('Shift').catch(() => {}), 300);
  await act(second, 'priority', { priority: 'urgent' });
  await lin.locator(`#${second} .prio`).waitFor();
  assert.deepEqual(await ids(), [third, second]);
  clearInterval(keys);
  await lin.locator(`#${second}:not(.row ~ .row)`).waitFor();
  assert.deepEqual(await ids(), [second, third]);
  assert.equal(await lin.evaluate('document.activeElement.id'), second);
});

for (const by of ['mouse', 'finger']) test(`a row that is drawn anew while it is pressed by a ${by} is opened once`, async () => {
  const words = `第五位 ${by}`, vera = await visitor(browser, server, words);
  const page = await browser.person({ storageState: await lin.context().storageState(), ...(by === 'finger' ? { hasTouch: true, isMobile: true } : { viewport: DESKTOP }) });
  await page.goto(`${server.url}/desk/c?tab=queue`);
  const row = page.locator('.row', { hasText: words }), id = await row.getAttribute('id'), asked = [];
  page.on('request', request => { if (new URL(request.url()).pathname === `/desk/c/${id.slice(2)}`) asked.push(request.url()); });
  // What may come above the list is there, and nothing moves any more.
  await page.locator('#mute').waitFor();
  await row.click({ trial: true });
  const { x, y } = await row.boundingBox(), lines = await page.context().newCDPSession(page);
  const touch = (type, ...touchPoints) => lines.send('Input.dispatchTouchEvent', { type, touchPoints });
  const [down, up] = by === 'finger' ? [() => touch('touchStart', { x: x + 90, y: y + 20 }), () => touch('touchEnd')] : [() => page.mouse.down(), () => page.mouse.up()];
  await page.mouse.move(x + 90, y + 20);
  await down();
  await say(vera, '还在吗');
  await page.locator(`#${id}`, { hasText: '还在吗' }).waitFor();
  await up();
  await sees(page, '还在吗');
  await page.goto(`${server.url}/desk/c?tab=queue`);
  assert.equal(asked.length, 1, asked.join(', '));
  await page.context().close();
});

test('a note says that it is one, and nobody is handed a conversation by mistake', async () => {
  await made('agents', { name: '陈思远', email: 'chen@shop.example', role: 'agent' });
  await everywhere(path, async (page, name) => {
    const says = { 'zh-CN': ['发送', '添加备注', '备注'], en: ['Send', 'Add note', 'note'] }[name.split('-').slice(2).join('-')];
    const button = page.locator('#f .btn-p'), box = page.locator('#body');
    assert.equal(await button.innerText(), says[0]);
    await page.locator('[value=note]').check({ force: true });
    assert.equal(await button.innerText(), says[1]);
    assert.match(await box.getAttribute('placeholder'), new RegExp(says[2]));
    await shot(page, `note-${name}`);
    await page.locator('[value=text]').check({ force: true });
    assert.doesNotMatch(await box.getAttribute('placeholder'), new RegExp(says[2]));
    await page.locator('#conv').focus();
    await page.keyboard.press('t');
    await page.locator('#to:focus').waitFor();
    await shot(page, `handover-${name}`);
    assert.equal(await page.inputValue('#to'), '');
    await page.locator('#act .btn-p').click();
    assert.ok(await page.locator('#to:invalid').isVisible(), 'somebody has to be chosen');
    assert.deepEqual(await axe(page), []);
    await page.keyboard.press('Escape');
    await page.locator('#act .panel').waitFor({ state: 'detached' });
  });
});
