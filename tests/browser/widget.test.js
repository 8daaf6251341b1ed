// The chat on pages of somebody else: one line, on the same site (127.0.0.1) and on another (localhost).
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, axe, owner, say, sees, shot } from './kefu.js';

let server, browser, lin, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  host = await shop();
  for (const [key, name] of [['here', '127.0.0.1'], ['there', 'localhost']]) addSite(key, `http://${name}:${host.port}`);
  lin = await owner(browser, server);
});
after(async () => {
  host.close();
  await browser.stop();
  await server.stop();
});

function addSite(key, origin) {
  execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', `青禾 ${key}`, '--key', key, '--origin', origin]);
}

/** Pages of a shop: `/?key=…` brings the line, with what else is asked for. */
async function shop() {
  const pages = http.createServer((request, answer) => {
    const asked = new URL(request.url, 'http://x').searchParams, at = asked.get('at') ?? server.url;
    if (asked.has('policy')) answer.setHeader('Content-Security-Policy', asked.get('policy').replaceAll('KEFU', at));
    answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(`<!doctype html><html lang="${asked.get('lang') ?? 'zh-CN'}">
<meta name="viewport" content="width=device-width"><title>青花瓷杯</title><main><h1>青花瓷杯</h1><p>¥ 128</p>
<a href="${at}/w/${asked.get('key')}" data-kefu-open>联系客服</a> <button type="button" id="buy">购买</button></main>
<script async src="${at}/w/${asked.get('key')}.js"${asked.get('more') ?? ''}></script></html>`);
  }).listen(0);
  await once(pages, 'listening');
  return { port: pages.address().port, close: () => pages.close() };
}

const at = (name, more) => `http://${name}:${host.port}/?${new URLSearchParams(more)}`;
const launcher = page => page.locator('kefu-chat button');
const chat = page => page.frameLocator('kefu-chat iframe');

async function open(page, url) {
  await page.goto(url);
  await launcher(page).click();
  await chat(page).locator('#body').waitFor();
}

async function speak(page, words) {
  await chat(page).locator('#body').fill(words);
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: words }).waitFor();
}

async function answered(words, answer) {
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: words }).click();
  await lin.locator('#conv[data-cid]').waitFor();
  await say(lin, answer);
  await sees(lin, answer);
}

/** What a page costs while nobody has opened the chat. */
async function closed(url) {
  const page = await browser.person(), client = await page.context().newCDPSession(page), seen = new Map();
  await client.send('Network.enable');
  client.on('Network.responseReceived', ({ requestId, response }) => seen.set(requestId, { url: response.url, encoding: new Headers(response.headers).get('Content-Encoding') }));
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => { seen.get(requestId).bytes = encodedDataLength; });
  await page.addInitScript(() => {
    window.shift = 0;
    new PerformanceObserver(list => { for (const entry of list.getEntries()) window.shift += entry.value; }).observe({ type: 'layout-shift', buffered: true });
  });
  await page.goto(url, { waitUntil: 'networkidle' });
  await launcher(page).waitFor();
  const left = await page.evaluate(() => ({ cookies: document.cookie, stored: localStorage.length + sessionStorage.length, frames: frames.length, shift: window.shift }));
  return { page, left, cookies: await page.context().cookies(), requests: [...seen.values()].filter(({ url }) => url.startsWith(server.url)) };
}

test('closed it costs a page one request of 4 KB and nothing else', async () => {
  const { left, cookies, requests } = await closed(at('localhost', { key: 'there' }));
  console.log('closed', JSON.stringify(requests));
  assert.equal(requests.length, 1, JSON.stringify(requests));
  assert.equal(requests[0].encoding, 'br');
  assert.ok(requests[0].bytes <= 4_000, JSON.stringify(requests));
  assert.deepEqual([left, cookies], [{ cookies: '', stored: 0, frames: 0, shift: 0 }, []]);
});

test('on a page of the same site a conversation is known by its cookie', async () => {
  const page = await browser.person();
  await open(page, at('127.0.0.1', { key: 'here' }));
  await speak(page, '同站你好');
  await answered('同站你好', '您好，同站');
  await chat(page).locator('.m .b', { hasText: '您好，同站' }).waitFor();
  await open(page, at('127.0.0.1', { key: 'here' }));
  assert.deepEqual(await chat(page).locator('.m .b').allTextContents(), ['同站你好', '您好，同站']);
  assert.equal(await page.evaluate(() => localStorage.length), 0);
});

test('on a page of another site, which gets no cookie, it is known by what the page keeps', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  assert.equal(await page.evaluate(() => localStorage.length), 0);
  await speak(page, '隔壁你好');
  assert.match(await page.evaluate(() => localStorage.getItem('kefu there')), /^kfv_/);
  await answered('隔壁你好', '您好，隔壁');
  await chat(page).locator('.m .b', { hasText: '您好，隔壁' }).waitFor();
  await speak(page, '第二句');
  await sees(lin, '第二句');
  // The agent sees on which page the chat stands.
  await lin.reload();
  await lin.locator('#side-pages').getByText('青花瓷杯').waitFor();

  await open(page, at('localhost', { key: 'there' }));
  await chat(page).locator('.m .b', { hasText: '第二句' }).waitFor();
  assert.deepEqual(await chat(page).locator('.m .b').allTextContents(), ['隔壁你好', '您好，隔壁', '第二句']);
  await answered('第二句', '还在吗');
  await chat(page).locator('.m .b', { hasText: '还在吗' }).waitFor();

  // Whoever signs out of the shop is forgotten here, too, and by the server.
  const token = await page.evaluate(() => localStorage.getItem('kefu there'));
  const forgotten = page.waitForResponse('**/w/there/forget');
  await page.evaluate(() => kefu('shutdown'));
  await forgotten;
  await open(page, at('localhost', { key: 'there' }));
  assert.equal(await chat(page).locator('.m').count(), 0);
  const again = await fetch(`${server.url}/w/there`, { headers: { Authorization: `Bearer ${token}` }, redirect: 'manual' });
  assert.equal(again.status, 200);
});

test('what arrives while it is closed is counted, and read once it is open', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  await speak(page, '稍后再看');
  await page.keyboard.press('Escape');
  await launcher(page).waitFor();
  await page.evaluate(() => kefu('on', 'unread', n => { document.title = `${n} unread`; }));
  await answered('稍后再看', '请稍等');
  await page.locator('kefu-chat b', { hasText: '1' }).waitFor();
  await page.getByRole('button', { name: '在线客服 1 条未读', expanded: false }).waitFor();
  assert.equal(await page.title(), '1 unread');
  await launcher(page).click();
  assert.equal(await page.locator('kefu-chat b').isHidden(), true);
  await chat(page).locator('.m .b', { hasText: '请稍等' }).waitFor();
  await lin.locator('.read').waitFor();
});

test('a page that is not of the site is refused, and says so within 8 seconds', async () => {
  const page = await browser.person();
  await page.goto(at('localhost', { key: 'here' }));
  await launcher(page).click();
  await page.locator('kefu-chat [role=alert] a').waitFor();
  assert.equal(await page.locator('kefu-chat [role=alert] a').getAttribute('href'), `${server.url}/w/here`);
  browser.complaints = browser.complaints.filter(text => !/frame-ancestors/.test(text));
});

test('a server that is dead leaves the page as it is, and a link', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.goto(at('localhost', { key: 'there' }));
  await launcher(page).waitFor();
  // Takes connections and never answers.
  await page.route(`${server.url}/w/**`, () => {});
  await launcher(page).click();
  await page.locator('#buy').click({ trial: true });
  await page.locator('kefu-chat [role=alert] a').waitFor();
  // On a telephone, whose screen it covers, it can still be folded away.
  await page.setViewportSize({ width: 390, height: 844 });
  await launcher(page).click();
  await page.locator('#buy').click({ trial: true });
});

test('it works under a strict policy', async () => {
  const page = await browser.person();
  const policy = "default-src 'none'; script-src KEFU; frame-src KEFU; require-trusted-types-for 'script'";
  await open(page, at('localhost', { key: 'there', policy }));
  await speak(page, '严格的页面');
  assert.equal(await launcher(page).evaluate(button => getComputedStyle(button).backgroundColor), 'rgb(15, 95, 102)');
});

test('on a phone it is the whole screen, and Back leaves the chat', async () => {
  const page = await browser.person({ hasTouch: true, isMobile: true });
  const url = at('localhost', { key: 'there' });
  await open(page, url);
  const box = await page.locator('kefu-chat section').boundingBox();
  assert.deepEqual([box.x, box.y, box.width, box.height], [0, 0, 390, 844]);
  assert.equal(await page.evaluate(() => document.querySelector('main').inert), true);
  await shot(page, 'widget-phone');
  await page.goBack();
  await launcher(page).waitFor();
  assert.deepEqual([page.url(), await page.evaluate(() => document.querySelector('main').inert)], [url, false]);
});

test('keys, names and the page’s own words', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 }, locale: 'en-GB' });
  await page.goto(at('localhost', { key: 'there', lang: 'en', more: ' data-position="left" data-theme="light"' }));
  await launcher(page).waitFor();
  assert.ok((await launcher(page).boundingBox()).x < 100);
  assert.deepEqual(await axe(page), []);
  await launcher(page).focus();
  await page.getByRole('button', { name: 'Chat', exact: true, expanded: false }).waitFor();
  await page.keyboard.press('Enter');
  await chat(page).locator('#body:focus').waitFor();
  assert.equal(await launcher(page).getAttribute('aria-expanded'), 'true');
  await shot(page, 'widget-en');
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => document.querySelector('kefu-chat').shadowRoot.activeElement?.localName === 'button');
  // A link of the page opens it, too, and what the page wants said stands in the box.
  await page.evaluate(() => kefu('prefill', 'Order 8871'));
  await page.locator('[data-kefu-open]').click();
  assert.equal(await chat(page).locator('#body').inputValue(), 'Order 8871');
  await page.evaluate(() => kefu('nonsense'));
  await page.evaluate(() => kefu('hide'));
});

test('nothing complained', () => browser.nothingComplained());
