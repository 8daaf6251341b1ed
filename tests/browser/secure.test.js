// The chat over https on shops of other domains, in windows that give no cookie to a third party: the cookie that is kept
// for one shop alone carries the conversation, and nothing else is kept anywhere.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, freePort, owner, say, sees, strangers } from './kefu.js';
import { FaultyProxy } from './proxy.js';
import { secret, signed } from './shop.js';

const SHOPS = ['shop.example', 'other.example'];
let server, proxy, shops, browser, lin;

/** A key and its certificate, by nobody's authority. */
function certificate() {
  const folder = mkdtempSync(join(tmpdir(), 'kefu-tls-')), [key, cert] = ['key', 'cert'].map(name => join(folder, name));
  execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '2', '-subj', '/CN=example', '-keyout', key, '-out', cert], { stdio: 'ignore' });
  const tls = { key: readFileSync(key), cert: readFileSync(cert) };
  rmSync(folder, { recursive: true });
  return tls;
}

before(async () => {
  const tls = certificate(), port = await freePort(), url = `https://chat.example:${port}`;
  shops = https.createServer(tls, (request, answer) => {
    answer.setHeader('Content-Type', 'text/html; charset=utf-8');
    const asked = new URL(request.url, 'http://x').searchParams, lang = asked.get('lang') ?? 'zh-CN';
    const chat = asked.has('frame') ? `<iframe src="${url}/w/tea?mode=embed&lang=${lang}" width="384" height="640"></iframe>` : `<script async src="${url}/w/tea.js"></script>`;
    answer.end(`<!doctype html><html lang="${lang}"><meta name="viewport" content="width=device-width"><title>茶</title><h1>茶</h1>${chat}`);
  }).listen(0, '127.0.0.1');
  await once(shops, 'listening');
  strangers.add(shops.address().port);
  server = await Server.start(undefined, ['--public-url', url, '--trusted-proxy', '127.0.0.1/32']);
  const origins = SHOPS.flatMap(name => ['--origin', at(name)]);
  execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', '茶', '--key', 'tea', ...origins]);
  proxy = await FaultyProxy.to(server.url, {}, { tls, port });
  server.url = url;
  browser = await Browser.whole(['--host-resolver-rules=MAP *.example 127.0.0.1'], { ignoreHTTPSErrors: true });
  lin = await owner(browser, server);
});
after(async () => {
  await browser.stop();
  await server.stop();
  proxy.stop();
  shops.close();
});

const at = (shop, asked = '') => `https://${shop}:${shops.address().port}${asked}`;
const chat = page => page.frameLocator('kefu-chat iframe');

async function open(page, shop, asked) {
  await page.goto(at(shop, asked));
  await page.locator('kefu-chat button').waitFor();
  await page.evaluate(() => kefu('on', 'ready', () => { window.isReady = true; }));
  await page.locator('kefu-chat button').click();
  await page.waitForFunction(() => window.isReady);
  await chat(page).locator('#body').waitFor();
}

test('its windows give no cookie to a third party', async () => {
  const page = await browser.person();
  await page.context().addCookies([{ name: 'third', value: 'x', domain: 'chat.example', path: '/', secure: true, sameSite: 'None' }]);
  const given = async (url, part) => {
    const asked = page.waitForRequest(request => request.url().endsWith(part));
    await page.goto(url);
    return (await (await asked).allHeaders()).cookie;
  };
  assert.equal(await given(`${server.url}/w/tea`, '/w/tea'), 'third=x');
  assert.equal(await given(at(SHOPS[0]), '/w/tea.js'), undefined);
});

test('a conversation goes on after a reload, by a cookie of that shop alone', async () => {
  const page = await browser.person();
  await open(page, SHOPS[0]);
  await chat(page).locator('#body').fill('有绿茶吗');
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: '有绿茶吗' }).waitFor();
  const cookies = (await page.context().cookies()).filter(({ name }) => name.startsWith('__Host-kefu'));
  assert.deepEqual(cookies.map(({ name, sameSite, secure, httpOnly, partitionKey }) => ({ name, sameSite, secure, httpOnly, shop: partitionKey })),
    [{ name: '__Host-kefu-p', sameSite: 'None', secure: true, httpOnly: true, shop: 'https://shop.example' }]);
  assert.equal(await page.evaluate(() => localStorage.getItem('kefu tea')), null, 'a cookie that works makes a token on the page needless');

  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '有绿茶吗' }).click();
  await lin.locator('#conv[data-cid]').waitFor();
  await say(lin, '有，明前的');
  await sees(lin, '有，明前的');
  // By its stream, and again after a reload.
  await chat(page).locator('ol.msgs .m .b', { hasText: '有，明前的' }).waitFor();
  await open(page, SHOPS[0]);
  await chat(page).locator('ol.msgs .m .b', { hasText: '有，明前的' }).waitFor();
  await chat(page).locator('#body').fill('来两盒');
  await chat(page).locator('form#f button.btn-p').click();
  await sees(lin, '来两盒');

  // Another shop learns nothing of it.
  await open(page, SHOPS[1]);
  assert.equal(await chat(page).locator('ol.msgs .m').count(), 0);
});

test('two tabs in which the chat was open before the first word are one visitor', async () => {
  const one = await browser.person(), two = await one.context().newPage(), shown = page => chat(page).locator('ol.msgs .m .b');
  const speak = async (page, words) => {
    await page.bringToFront();
    await chat(page).locator('#body').fill(words);
    await chat(page).locator('form#f button.btn-p').click();
    await shown(page).filter({ hasText: words }).waitFor();
  };
  await open(one, SHOPS[0]);
  await open(two, SHOPS[0]);
  await speak(one, '甲先说');
  await speak(two, '乙后说');
  await shown(one).filter({ hasText: '乙后说' }).waitFor();
  await speak(one, '甲再说');
  await shown(two).filter({ hasText: '甲再说' }).waitFor();
  await open(one, SHOPS[0]);
  await shown(one).nth(2).waitFor();
  assert.deepEqual(await shown(one).allTextContents(), ['甲先说', '乙后说', '甲再说']);
});

test('who is signed is known by that cookie, and signs out of it without opening the chat', async () => {
  const token = signed(await secret(lin, server, 'tea'), { aud: 'tea', sub: 'u-1' });
  const page = await browser.person(), button = page.locator('kefu-chat button');
  const cookies = async () => (await page.context().cookies()).filter(({ name }) => name.startsWith('__Host-kefu')).map(({ name }) => name);
  await page.goto(at(SHOPS[0]));
  await button.waitFor();
  await page.evaluate(token => { kefu('identify', token); kefu('open'); }, token);
  await chat(page).locator('#f[data-known]').waitFor();
  assert.deepEqual(await cookies(), ['__Host-kefu-p']);
  assert.equal(await page.evaluate(() => localStorage.getItem('kefu tea')), null);
  await chat(page).locator('#body').fill('我是会员');
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: '我是会员' }).waitFor();

  await page.goto(at(SHOPS[0]));
  await button.waitFor();
  const gone = page.waitForResponse('**/w/tea/forget');
  await page.evaluate(() => kefu('shutdown'));
  await gone;
  assert.deepEqual(await cookies(), []);
  await button.click();
  await chat(page).locator('.hello').waitFor();
});

test('a page in another language than the browser’s keeps it in the chat', async () => {
  const page = await browser.person(), language = () => chat(page).locator('html').getAttribute('lang');
  await open(page, SHOPS[0], '?lang=en');
  assert.equal(await language(), 'en');
  await chat(page).locator('#body').fill('Any green tea?');
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: 'Any green tea?' }).waitFor();
  assert.equal(await language(), 'en');
  await chat(page).locator('.menu summary').click();
  await chat(page).getByRole('link', { name: 'End the conversation' }).click();
  await chat(page).getByText('End this conversation?').waitFor();
});

test('without scripts another language is chosen in a frame, and the conversation begins and goes on in it', async () => {
  const page = await browser.person({ javaScriptEnabled: false }), frame = page.frameLocator('iframe').first();
  await page.goto(at(SHOPS[0], '?frame'));
  await frame.locator('.menu summary').click();
  await frame.locator('.menu a[hreflang=en]').click();
  await frame.locator('html[lang=en] #body').fill('No scripts here');
  await frame.locator('form#f button.btn-p').click();
  const live = frame.frameLocator('iframe.full');
  await live.locator('.m .b', { hasText: 'No scripts here' }).waitFor();
  assert.equal(await frame.locator('html').getAttribute('lang'), 'en');
  const compose = live.frameLocator('iframe.cf');
  await compose.locator('#body').fill('Still here');
  await compose.locator('form#f button.btn-p').click();
  await live.locator('.m .b', { hasText: 'Still here' }).waitFor();
});

test('where the browser keeps no cookie of a frame, the page keeps what knows the visitor', async () => {
  const page = await browser.person(), shown = words => chat(page).locator('ol.msgs .m .b', { hasText: words });
  proxy.keepsNone = true;
  await open(page, SHOPS[0]);
  await chat(page).locator('#body').fill('没有饼干');
  await chat(page).locator('form#f button.btn-p').click();
  await shown('没有饼干').waitFor();
  assert.match(await page.evaluate(() => localStorage.getItem('kefu tea')), /^kfv_/);
  proxy.keepsNone = false;
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '没有饼干' }).click();
  await lin.locator('#conv[data-cid]').waitFor();
  await say(lin, '那就喝茶');
  await shown('那就喝茶').waitFor();
  await open(page, SHOPS[0]);
  await shown('那就喝茶').waitFor();
  await chat(page).locator('#body').fill('好的');
  await chat(page).locator('form#f button.btn-p').click();
  await sees(lin, '好的');
});

test('nothing complained', () => browser.nothingComplained());
