// An agent looks for what was said, and commands by keyboard alone.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, axe, leads, owner, say, sees, shot, visitor } from './kefu.js';

let server, browser, lin, vera;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  vera = await visitor(browser, server, '你好，订单 20261122-8871 还没有发货');
  for (let n = 1; n <= 60; n++) {
    await say(vera, `第 ${n} 句`);
    await sees(vera, `第 ${n} 句`);
  }
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

/** Asks again until what was just said can be found, which takes about a second. */
async function find(page, question) {
  await page.goto(`${server.url}/desk/search`);
  const end = Date.now() + 30_000;
  do {
    await page.fill('#q', question);
    await leads(page, () => page.press('#q', 'Enter'));
  } while (await page.locator('.finds a').count() === 0 && Date.now() < end);
}

async function jumps(page) {
  await find(page, '没有发货');
  assert.equal(await page.locator('.said mark').first().textContent(), '没有发货');
  await leads(page, () => page.locator('.finds a').first().click());
  const message = page.locator('#m-1-1');
  await page.locator('#m-1-1:target').waitFor();
  const seen = () => message.evaluate(el => { const { top, bottom } = el.getBoundingClientRect(); return top >= 0 && bottom <= innerHeight; });
  for (const end = Date.now() + 30_000; !await seen() && Date.now() < end;);
  assert.ok(await seen(), 'the message that was found is in sight');
  return seen;
}

test('what was said is found, and leads to its place, however far back, and on to the newest', async () => {
  const seen = await jumps(lin);
  await lin.locator('#m-1-61').waitFor({ state: 'attached' });
  assert.ok(await seen(), 'and stays in sight when the rest has come');
  await shot(lin, 'jump-desktop-light-zh-CN');
});

test('the same without scripts', async () => {
  const plain = await browser.person({ javaScriptEnabled: false, storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  await jumps(plain);
  await plain.locator('a', { hasText: '更新的消息' }).click();
  await plain.locator('#m-1-61').waitFor({ state: 'attached' });
  await plain.context().close();
});

test('the palette opens, finds by pinyin, acts and closes by keyboard alone', async () => {
  await lin.goto(`${server.url}/desk/c/1?tab=all`);
  await lin.locator('#body').focus();
  const scripts = await lin.locator('script[src*=palette]').count();
  assert.equal(scripts, 0, 'nothing of it is loaded before');
  await lin.keyboard.press('Control+k');
  const dialog = lin.locator('#palette[open]');
  await dialog.waitFor();
  assert.equal(await lin.evaluate(() => document.activeElement.id), 'palette-q');
  await shot(lin, 'palette-desktop-light-zh-CN');
  assert.deepEqual(await axe(lin), []);

  await lin.keyboard.press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  assert.equal(await lin.evaluate(() => document.activeElement.id), 'body', 'the focus is where it was');

  // What an input method is composing is no choice yet.
  await lin.keyboard.press('Control+k');
  await dialog.waitFor();
  await lin.locator('#palette-q').dispatchEvent('keydown', { key: 'Enter', isComposing: true });
  await lin.locator('#palette-q').dispatchEvent('keydown', { key: 'Enter', keyCode: 229 });
  assert.ok(await dialog.isVisible());

  // 接入, by the first letters of its reading.
  await lin.keyboard.type('jr');
  await lin.locator('[role=option][data-nonce][aria-selected=true]').waitFor();
  const active = await lin.locator('#palette-q').getAttribute('aria-activedescendant');
  assert.equal(await lin.locator('[role=option][aria-selected=true]').getAttribute('id'), active);
  await lin.keyboard.press('Enter');
  await lin.locator('.bar[data-state=open]').waitFor();

  // What has a form of its own gets it where one is.
  await lin.keyboard.press('Control+k');
  await dialog.waitFor();
  await lin.keyboard.type('shcl');
  await lin.locator('[role=option][data-go^="/desk/c/1/snooze"][aria-selected=true]').waitFor();
  await lin.keyboard.press('Enter');
  await lin.locator('#act form[action*="/snooze"]').waitFor();
  await lin.waitForFunction(() => document.activeElement.closest('#act'));

  await lin.keyboard.press('Control+k');
  await dialog.waitFor();
  await lin.keyboard.type('#1');
  await lin.locator('[role=option][data-go="/desk/c/1?tab=all"][aria-selected=true]').waitFor();
  await lin.keyboard.press('ArrowDown');
  assert.equal(await lin.locator('[role=option][aria-selected=true]').count(), 1);
  await lin.keyboard.press('ArrowUp');
  await leads(lin, () => lin.keyboard.press('Enter'));
  assert.match(lin.url(), /\/desk\/c\/1\?tab=all$/);

  // From a page without the desk's scripts as well, and on into the search.
  await lin.goto(`${server.url}/desk/me`);
  await lin.keyboard.press('Control+k');
  await dialog.waitFor();
  await lin.keyboard.type('发货');
  await lin.locator('[role=option][data-go*="%E5%8F%91"]').waitFor();
  await lin.keyboard.press('ArrowUp');
  await lin.keyboard.press('Enter');
  await lin.waitForURL('**/desk/search?q=*');
  await lin.locator('.finds a').first().waitFor();
});

test('the palette is whole in the dark and on a phone', async () => {
  for (const [name, viewport] of [['phone', { width: 390, height: 844 }], ['desktop', { width: 1440, height: 860 }]]) {
    const page = await browser.person({ storageState: await lin.context().storageState(), viewport, colorScheme: 'dark', locale: 'en' });
    await page.goto(`${server.url}/desk/c/1?tab=all`);
    await page.keyboard.press('Control+k');
    await page.locator('#palette[open]').waitFor();
    await shot(page, `palette-${name}-dark`);
    assert.deepEqual(await axe(page), []);
    await page.context().close();
  }
});
