// The chat on pages of somebody else that come, go and change as they like, and on lines that give way just then.
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, owner, sees } from './kefu.js';
import { secret, shop, signed } from './shop.js';

let server, browser, lin, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.whole();
  host = await shop(server);
  for (const [key, name] of [['here', '127.0.0.1'], ['there', 'localhost']]) {
    execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', `青禾 ${key}`, '--key', key, '--origin', `http://${name}:${host.port}`]);
  }
  lin = await owner(browser, server);
});
after(async () => {
  host.close();
  await browser.stop();
  await server.stop();
});

const PLACES = [['127.0.0.1', 'here'], ['localhost', 'there']];
const at = (name, more) => `http://${name}:${host.port}/?${new URLSearchParams(more)}`;
const launcher = page => page.locator('kefu-chat i > button');
const chat = page => page.frameLocator('kefu-chat iframe');
const said = (page, words) => chat(page).locator('ol.msgs .m[id] .b', { hasText: words });

async function open(page, url) {
  await page.goto(url);
  await launcher(page).waitFor();
  await page.evaluate(() => kefu('on', 'ready', () => { window.isReady = true; }));
  await launcher(page).click();
  await page.waitForFunction(() => window.isReady);
  await chat(page).locator('#body').waitFor();
}

/** The first message is typed and sent, whatever becomes of it. */
async function send(page, words) {
  // The frame's scripts add it as they begin to listen.
  await chat(page).locator('header > button').waitFor({ state: 'attached' });
  await chat(page).locator('#body').fill(words);
  await chat(page).locator('form#f button.btn-p').click();
}

async function speak(page, words) {
  await send(page, words);
  await said(page, words).waitFor();
}

for (const [name, key] of PLACES) test(`a first message whose line is cut is sent again, and arrives once (${key})`, async () => {
  const page = await browser.person();
  await open(page, at(name, { key }));
  let cut = 0;
  // The first time nothing gets through, the second time only the answer is lost.
  await page.route('**/start?**', async route => {
    if (++cut > 2) return route.continue();
    if (cut === 2) await route.fetch();
    await route.abort();
  });
  await send(page, `${key} 第一句`);
  await chat(page).locator('#problem', { hasText: '网络已断开' }).waitFor();
  assert.equal(await chat(page).locator('#body').inputValue(), `${key} 第一句`);
  await said(page, `${key} 第一句`).waitFor();
  assert.equal(cut, 3);
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: `${key} 第一句` }).click();
  await sees(lin, `${key} 第一句`);
  assert.equal(await lin.locator('#conv .m .b', { hasText: `${key} 第一句` }).count(), 1);
});

test('a first message that is refused for now says so, and stays where it was typed', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  const error = (status, message) => route => route.fulfill({ status, contentType: 'application/json', body: JSON.stringify({ error: { code: 'x', message } }) });
  await page.route('**/start?**', error(429, '发送太快，请 9 秒后再试。'));
  await send(page, '等一等再说');
  await chat(page).locator('#problem', { hasText: '9 秒后' }).waitFor();
  assert.equal(await chat(page).locator('#body').inputValue(), '等一等再说');
  await page.unroute('**/start?**');
  // It is said until the next try, which waits here until it was seen.
  let goOn;
  const seen = new Promise(done => { goOn = done; });
  await page.route('**/start?**', async route => { await seen; await route.continue(); });
  await page.route('**/start?**', error(503, '服务暂时不可用'), { times: 1 });
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('#problem', { hasText: '服务暂时不可用' }).waitFor();
  goOn();
  // Nobody needs to press for that.
  await said(page, '等一等再说').waitFor();
});

for (const [name, key] of PLACES) test(`whoever goes on before the first message was answered finds it on the next page (${key})`, async () => {
  const page = await browser.person();
  await open(page, at(name, { key }));
  let stored;
  const arrived = new Promise(done => { stored = done; });
  await page.route('**/start?**', async route => {
    await route.fetch({ maxRedirects: 0 });
    stored();
  });
  await send(page, `${key} 边走边说`);
  await arrived;
  await open(page, at(name, { key, title: '下一页' }));
  await said(page, `${key} 边走边说`).waitFor();
  await speak(page, `${key} 到了`);
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: `${key} 到了` }).waitFor();
});

for (const [name, key] of PLACES) test(`a link that signs out of the shop signs out of the chat, though it leaves the page at once (${key})`, async () => {
  const page = await browser.person(), url = at(name, { key });
  await open(page, url);
  await speak(page, `${key} 我要退出`);
  // The chat is closed on the page with the link, so nothing of it is there yet.
  await page.goto(at(name, { key, title: '账户' }));
  await launcher(page).waitFor();
  const forgotten = page.waitForResponse('**/forget');
  await page.evaluate(next => { kefu('shutdown'); location = next; }, at(name, { key, title: '已退出' }));
  await page.waitForURL(/%E5%B7%B2/);
  assert.equal((await forgotten).status(), 204);
  await page.waitForFunction(key => localStorage.getItem(`kefu ${key} left`) === null, key);
  await open(page, url);
  assert.equal(await chat(page).locator('.m').count(), 0);
  assert.deepEqual((await page.context().cookies()).filter(({ name }) => name === 'kefu-v'), []);
});

test('signing out while the server is away says so, shows nothing, and is done once it is back', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  await speak(page, '还没退出');
  await page.route('**/forget', route => route.abort());
  await page.evaluate(() => kefu('shutdown'));
  await launcher(page).click();
  await page.locator('kefu-chat [role=alert]').waitFor();
  assert.equal(await said(page, '还没退出').isVisible(), false);
  await page.unroute('**/forget');
  await page.getByRole('button', { name: '重试' }).click();
  await chat(page).locator('.hello').waitFor();
  await page.waitForFunction(() => localStorage.getItem('kefu there left') === null);
});

test('a tab whose visitor signed out in another one begins anew', async () => {
  const one = await browser.person(), two = await one.context().newPage(), url = at('127.0.0.1', { key: 'here' });
  await open(one, url);
  await speak(one, '两个标签页');
  await open(two, url);
  await said(two, '两个标签页').waitFor();
  const forgotten = one.waitForResponse('**/forget');
  await one.evaluate(() => kefu('shutdown'));
  await forgotten;
  await chat(two).locator('.hello').waitFor();
  await speak(two, '换了一个人');
});

test('a line that comes before the page hears what the page says after it', async () => {
  const key = 'there', token = signed(await secret(lin, server, key), { aud: key, sub: 'early-1', name: '早到的客户' });
  const page = await browser.person();
  await page.addInitScript(() => {
    const add = addEventListener;
    window.addEventListener = function (name, ...rest) {
      if (name === 'DOMContentLoaded') window.lineIsHere = true;
      return add.call(this, name, ...rest);
    };
  });
  let goOn;
  const gate = new Promise(done => { goOn = done; });
  await page.route('**/slow.js', async route => { await gate; await route.continue(); });
  await page.goto(at('localhost', { key, first: '', early: `kefu('identify', '${token}');kefu('prefill', '我是老客户')` }), { waitUntil: 'commit' });
  // By the clock: a page that has no body yet draws nothing, so no frame of it comes to ask in.
  await page.waitForFunction(() => window.lineIsHere, undefined, { polling: 50 });
  const identified = page.waitForResponse('**/identify');
  goOn();
  await page.locator('[data-kefu-open]').click();
  assert.equal((await identified).status(), 200);
  assert.equal(await page.locator('kefu-chat').count(), 1);
  await chat(page).locator('#body').waitFor();
  await speak(page, '早到');
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: '早到的客户' }).waitFor();
});

test('one thing the page says wrongly keeps it from nothing else', async () => {
  const page = await browser.person();
  const early = 'const round = {}; round.round = round; kefu("card", round); kefu("prefill", "后面的话")';
  await open(page, at('localhost', { key: 'there', early }));
  // Required, it is valid once it has words.
  await chat(page).locator('#body:valid').waitFor();
  assert.equal(await chat(page).locator('#body').inputValue(), '后面的话');
  assert.match(browser.complaints.join(), /circular/);
  browser.complaints = browser.complaints.filter(text => !/circular/.test(text));
});

test('a shop that puts another body in the place of its own keeps the chat, and what was said', async () => {
  const page = await browser.person({ hasTouch: true, isMobile: true });
  await open(page, at('localhost', { key: 'there' }));
  await speak(page, '换页之前');
  await page.evaluate(() => kefu('close'));
  await page.evaluate(() => {
    const body = document.createElement('body');
    body.innerHTML = '<main><h1>下一页</h1><button id="next">购买</button></main>';
    document.body.replaceWith(body);
  });
  await launcher(page).click();
  await said(page, '换页之前').waitFor();
  await speak(page, '换页之后');
  // And one that draws all of the body anew.
  await page.evaluate(() => kefu('close'));
  await page.evaluate(() => { document.body.innerHTML = '<main><button id="next">购买</button></main>'; });
  await launcher(page).waitFor();
  await page.locator('#next').click({ trial: true });
  await launcher(page).click();
  await said(page, '换页之后').waitFor();
});

test('a page nobody has looked at yet is not noted', async () => {
  const page = await browser.person(), key = 'there';
  await open(page, at('localhost', { key }));
  await page.addInitScript(() => {
    window.unseen = true;
    Object.defineProperty(document, 'hidden', { get: () => window.unseen });
  });
  await page.goto(at('localhost', { key, title: '预先打开' }), { referer: `http://localhost:${host.port}` });
  await launcher(page).waitFor();
  await page.evaluate(() => new Promise(done => setTimeout(done, 1_100)));
  const noted = () => page.evaluate(() => localStorage['kefu there pages'].includes('预先打开'));
  assert.equal(await noted(), false);
  await page.evaluate(() => { window.unseen = false; document.dispatchEvent(new Event('visibilitychange')); });
  await page.waitForFunction(() => localStorage['kefu there pages'].includes('预先打开'));
});

test('the page hears of the first message, and that what was missed was read', async () => {
  const page = await browser.person(), heard = () => page.evaluate(() => window.heard);
  await page.goto(at('localhost', { key: 'there' }));
  await launcher(page).waitFor();
  await page.evaluate(() => {
    window.heard = [];
    for (const event of ['message', 'unread']) kefu('on', event, detail => heard.push(detail));
  });
  await launcher(page).click();
  await speak(page, '只说一句');
  assert.deepEqual(await heard(), [{ mine: true }]);
  await page.evaluate(() => kefu('close'));
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: '只说一句' }).click();
  await lin.fill('#body', '听到了');
  await lin.locator('.re button.btn-p').click();
  await page.waitForFunction(() => window.heard.includes(1));
  await launcher(page).click();
  await page.waitForFunction(() => window.heard.includes(0));
});

test('nothing complained', () => browser.nothingComplained());
