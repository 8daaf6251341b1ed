// Who a visitor is, as the page around the chat says: on the same site (127.0.0.1), where a cookie knows them, and on another (localhost),
// where the page keeps their token.
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { isDeepStrictEqual } from 'node:util';
import { BIN, Browser, Server, owner, say, sees, shot } from './kefu.js';
import { secret, shop, signed } from './shop.js';

const SITES = { here: '127.0.0.1', there: 'localhost', closed: 'localhost' };
const secrets = {};
let server, browser, lin, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.whole();
  host = await shop(server);
  for (const [key, name] of Object.entries(SITES)) {
    execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', `青禾 ${key}`, '--key', key, '--origin', `http://${name}:${host.port}`]);
  }
  lin = await owner(browser, server);
  for (const key of Object.keys(SITES)) secrets[key] = await secret(lin, server, key);
});
after(async () => {
  host.close();
  await browser.stop();
  await server.stop();
});

const token = (key, sub, more) => signed(secrets[key], { aud: key, sub, ...more });
const chat = page => page.frameLocator('kefu-chat iframe');
const call = (page, ...words) => page.evaluate(words => kefu(...words), words);
/** Waits until exactly this stands in the chat. */
async function reads(page, ...words) {
  const texts = () => chat(page).locator('.m .b').allTextContents().catch(() => []);
  let now = await texts();
  for (const until = Date.now() + 30_000; Date.now() < until && !isDeepStrictEqual(now, words); now = await texts()) await page.evaluate(() => new Promise(requestAnimationFrame));
  assert.deepEqual(now, words);
}
const nothing = page => chat(page).locator('.hello').waitFor();

/** A page of the shop, and what it says of its visitor before the chat is open. */
async function visit(page, key, person) {
  await page.goto(`http://${SITES[key]}:${host.port}/?key=${key}`);
  await page.locator('kefu-chat button').waitFor();
  await page.evaluate(() => {
    Object.assign(window, { wrong: [], readied: 0 });
    kefu('on', 'ready', () => { readied++; });
    kefu('on', 'error', detail => { if (detail.code === 'identify') wrong.push(detail); });
  });
  if (person) await call(page, 'identify', person);
}
async function open(page) {
  await call(page, 'open');
  await page.waitForFunction(() => readied);
  await chat(page).locator('#body').waitFor();
}
async function speak(page, words) {
  // The frame's scripts add it as they begin to listen.
  await chat(page).locator('header > button').waitFor({ state: 'attached' });
  await chat(page).locator('#body').fill(words);
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: words }).waitFor();
}
/** The desk's page of the conversation in which something was said. */
async function atDesk(words) {
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: words }).first().click();
  await lin.locator('#side-identity').waitFor();
  return lin.locator('.side');
}

for (const key of ['here', 'there']) {
  test(`${key}: one person is the same on each device, and is nobody else`, async () => {
    const first = await browser.person(), asked = [];
    first.on('request', request => { if (request.url().startsWith(server.url)) asked.push(request.url()); });
    await visit(first, key, token(key, 'u-1', { name: '陈女士' }));
    // Nothing is asked for before it is opened.
    assert.equal(asked.length, 1, asked.join());
    assert.deepEqual(await first.evaluate(() => [localStorage.length, frames.length]), [0, 0]);
    await open(first);
    await speak(first, `${key} 第一台`);
    const side = await atDesk(`${key} 第一台`);
    await side.getByText('陈女士').first().waitFor();
    await side.getByText('u-1').first().waitFor();

    const second = await browser.person();
    await visit(second, key, token(key, 'u-1'));
    await open(second);
    await chat(second).locator('.m .b', { hasText: `${key} 第一台` }).waitFor();
    await speak(second, `${key} 第二台`);
    await chat(first).locator('.m .b', { hasText: `${key} 第二台` }).waitFor();
    // Who is known needs to say it only once.
    await visit(second, key);
    await open(second);
    await chat(second).locator('.m .b', { hasText: `${key} 第二台` }).waitFor();

    // Somebody else on the second device, while it is open.
    await call(second, 'identify', token(key, 'u-2'));
    await nothing(second);
    await speak(second, `${key} 另一个人`);
    await reads(second, `${key} 另一个人`);
    await visit(second, key, token(key, 'u-2'));
    await open(second);
    await reads(second, `${key} 另一个人`);
    // And back.
    await visit(second, key, token(key, 'u-1'));
    await open(second);
    await reads(second, `${key} 第一台`, `${key} 第二台`);
    await reads(first, `${key} 第一台`, `${key} 第二台`);
  });

  test(`${key}: what was said before on the device becomes theirs`, async () => {
    const page = await browser.person(), phone = await browser.person(), name = `${key}-3`;
    await visit(page, key);
    await open(page);
    await speak(page, `${key} 还没登录`);
    await call(page, 'identify', token(key, name));
    await (await atDesk(`${key} 还没登录`)).getByText(name).first().waitFor({ timeout: 5000 }).catch(async () => {
      await lin.reload();
      await lin.getByText(name).first().waitFor();
    });
    await speak(page, `${key} 登录了`);
    await visit(phone, key, token(key, name));
    await open(phone);
    await reads(phone, `${key} 还没登录`, `${key} 登录了`);
  });

  test(`${key}: who signs out is forgotten, whether the chat was open or not`, async () => {
    for (const open_first of [true, false]) {
      const page = await browser.person(), name = `${key}-out-${open_first}`;
      await visit(page, key, token(key, name));
      await open(page);
      await speak(page, `${name} 我的`);
      if (!open_first) await visit(page, key);
      const gone = page.waitForResponse('**/forget');
      await call(page, 'shutdown');
      assert.equal((await gone).status(), 204);
      // The answer is there before the page has read it.
      await page.waitForFunction(() => !localStorage.length);
      await call(page, 'open');
      await nothing(page);
      await visit(page, key);
      await open(page);
      await nothing(page);
      // Nobody in particular now, then somebody again, in one breath.
      await speak(page, `${name} 别人`);
      await visit(page, key);
      await page.evaluate(person => { kefu('shutdown'); kefu('identify', person); kefu('open'); }, token(key, name));
      await chat(page).locator('.m .b', { hasText: `${name} 我的` }).waitFor();
      await reads(page, `${name} 我的`);
    }
  });

  test(`${key}: who came back after the end is still the same one`, async () => {
    const page = await browser.person();
    await visit(page, key);
    await open(page);
    await speak(page, `${key} 第一次`);
    await atDesk(`${key} 第一次`);
    await say(lin, '再见');
    await sees(lin, '再见');
    await lin.locator('.bar button', { hasText: '结束' }).click();
    await lin.locator('.bar[data-state=closed]').waitFor();
    await visit(page, key);
    await open(page);
    await nothing(page);
    await speak(page, `${key} 第二次`);
    await reads(page, `${key} 第二次`);
    const side = await atDesk(`${key} 第二次`);
    await side.locator('a[href^="/desk/c/"]').first().waitFor();
  });
}

test('a token that is not right is said to the page, and changes nothing', async () => {
  const page = await browser.person();
  await visit(page, 'there', token('here', 'u-9'));
  await open(page);
  await page.waitForFunction(() => window.wrong.length === 1);
  const [wrong] = await page.evaluate(() => window.wrong);
  assert.match(wrong.message, /签名/);
  await speak(page, '没有签名');
  // To the conversation's page: between the pages only the last is kept.
  await page.waitForFunction(() => readied > 1);
  for (const person of ['x', null, 7, { id: 'u-9', hash: '00' }, token('there', 'u-9', { exp: 1 })]) await call(page, 'identify', person);
  await page.waitForFunction(() => window.wrong.length === 4);
  await speak(page, '还是我');
  await reads(page, '没有签名', '还是我');
  const side = await atDesk('还是我');
  assert.equal(await side.getByText('u-9').count(), 0);
});

test('what is only said fills what nobody knew, once there is somebody', async () => {
  const page = await browser.person();
  await visit(page, 'there', { name: '<img src=x onerror=alert(1)> 小王', attrs: {} });
  await open(page);
  const filled = page.waitForResponse(answer => answer.url().endsWith('/identify') && answer.request().method() === 'POST');
  await speak(page, '只是说说');
  assert.equal((await filled).status(), 200);
  const side = await atDesk('只是说说');
  await side.getByText('<img src=x onerror=alert(1)> 小王').first().waitFor();
});

test('where only the signed are heard the others are told so, and keep what they typed', async () => {
  await lin.goto(`${server.url}/desk/settings/sites/closed/identity`);
  await lin.locator('[value=hear_signed]').click();
  await lin.locator('[value=hear_all]').waitFor();
  await shot(lin, 'identity-settings');
  const page = await browser.person();
  await visit(page, 'closed');
  await open(page);
  await chat(page).locator('#unsigned').waitFor();
  await chat(page).locator('#body').fill('听得到吗');
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('#problem .err').waitFor();
  assert.equal(await chat(page).locator('#body').inputValue(), '听得到吗');
  await shot(page, 'identity-unsigned');
  await call(page, 'identify', token('closed', 'u-1'));
  await chat(page).locator('#f[data-known]').waitFor();
  assert.equal(await chat(page).locator('#unsigned').count(), 0);
  assert.equal(await chat(page).locator('#body').inputValue(), '听得到吗');
  await speak(page, '听得到了');
  await reads(page, '听得到了');
});

test('nothing complained', () => browser.nothingComplained());
