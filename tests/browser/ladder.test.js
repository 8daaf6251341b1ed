// Where a stream does not get through, the page finds another way by itself, and comes back to the stream once it does.
import { after, before, describe, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, axe, messages, owner, say, sees, shot } from './kefu.js';
import { FaultyProxy, RealProxy } from './proxy.js';

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  await (await owner(browser, server)).close();
});
after(async () => {
  browser.nothingComplained();
  await browser.stop();
  await server.stop();
});

const rungOf = page => page.evaluate(() => window.kf.rung);

/** Waits for a rung; going down takes some failures, coming up a probe after 15 s. */
async function stands(page, rung) {
  for (const end = Date.now() + 240_000; await rungOf(page) !== rung;) {
    assert(Date.now() < end, `still on ${JSON.stringify(await rungOf(page))}, not on ${JSON.stringify(rung)}`);
    await page.waitForTimeout(100);
  }
  await page.locator('html:not([data-net=off])').waitFor();
}

/** A visitor behind a proxy, and her conversation as the agent sees it. */
async function talk(proxy, first) {
  const lin = await owner(browser, server);
  const vera = await browser.person();
  await vera.goto(`${proxy.url}/w/demo`);
  await say(vera, first);
  await vera.waitForURL('**/c/**');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: first }).click();
  await lin.locator('#conv[data-cid]').waitFor();
  return { vera, lin, end: () => Promise.all([vera.context().close(), lin.context().close(), proxy.stop()]) };
}

// What is broken, and where the page must stand.
const LINES = [
  ['a proxy that buffers streams', { stream: 'buffer' }, 'ws'],
  ['a proxy that cuts streams after a second', { stream: 'cut' }, 'ws'],
  ['a proxy that buffers and strips Upgrade', { stream: 'buffer', ws: 'strip' }, 'poll'],
  ['a proxy that answers streams and sockets with 502', { stream: '502', ws: '502' }, 'poll'],
  ['a proxy that lets no request wait', { stream: 'buffer', ws: '502', poll: '502' }, 'page'],
  ['a proxy that cuts whatever lasts longer than a second', { stream: 'cut', ws: 'cut', poll: 'cut', page: '502' }, 'refresh'],
];

// Side by side, since most of it is waiting.
describe('the ladder', { concurrency: 4 }, () => {
  for (const [line, faults, rung] of LINES) {
    test(`${line}: the talk goes on over ${rung}, and over the stream once it gets through`, async () => {
      const proxy = await FaultyProxy.to(server.url, faults);
      const first = `第一句 ${rung} ${line.length}`;
      const { vera, lin, end } = await talk(proxy, first);
      await stands(vera, rung);
      await say(lin, '收到了');
      await sees(vera, '收到了');
      await say(vera, '第二句');
      await sees(lin, '第二句');
      assert.deepEqual(await messages(vera), [first, '收到了', '第二句']);
      const [conversation, seq] = [await lin.locator('#conv').getAttribute('data-cid'), await lin.locator('.m', { hasText: '收到了' }).getAttribute('data-seq')];
      await lin.request.post(`${server.url}/desk/c/${conversation}/m/${seq}/edit`, { form: { nonce: 'edit', body: '看到了' }, headers: { 'sec-fetch-site': 'same-origin' } });
      await sees(vera, '看到了');
      assert.deepEqual(await messages(vera), [first, '看到了', '第二句'], 'what is changed is changed where it stands');

      proxy.faults = {};
      await stands(vera, '');
      await say(lin, '现在顺了');
      await sees(vera, '现在顺了');
      assert.deepEqual(await messages(vera), [first, '看到了', '第二句', '现在顺了']);
      await end();
    });
  }

  for (const [faults, rung] of [[{ stream: 'buffer' }, 'ws'], [{ stream: '502', ws: '502' }, 'poll'], [{ stream: 'cut', ws: 'strip', poll: '502' }, 'refresh']]) {
    test(`the desk goes on over ${rung}`, async () => {
      const proxy = await FaultyProxy.to(server.url, faults);
      const ben = await browser.person({ viewport: { width: 1440, height: 860 } });
      await ben.goto(`${proxy.url}/login`);
      await ben.fill('#email', 'lin@shop.example');
      await ben.fill('#password', 'correct horse battery');
      await ben.click('main form button.btn-p');
      await ben.waitForURL('**/desk/c**');
      await ben.goto(`${proxy.url}/desk/c?tab=queue`);
      await stands(ben, rung);
      const vera = await browser.person();
      await vera.goto(`${server.url}/w/demo`);
      await say(vera, `有人在吗 ${rung}`);
      await vera.waitForURL('**/c/**');
      await ben.locator('.row', { hasText: `有人在吗 ${rung}` }).click();
      await ben.locator('#conv[data-cid]').waitFor();
      await say(vera, '再问一句');
      await sees(ben, '再问一句');
      assert.deepEqual(await messages(ben), [`有人在吗 ${rung}`, '再问一句']);
      proxy.faults = {};
      await stands(ben, '');
      await ben.close();
      await vera.close();
      proxy.stop();
    });
  }

  test('a hidden tab that does not speak asks for nothing, and catches up once it is seen', async () => {
    const proxy = await FaultyProxy.to(server.url, { stream: '502', ws: '502' });
    const speaker = await owner(browser, { url: proxy.url, owned: true }), context = speaker.context();
    await speaker.goto(`${proxy.url}/desk/c?tab=queue`);
    await stands(speaker, 'poll');
    const tab = await context.newPage();
    await tab.addInitScript(() => Object.defineProperty(Document.prototype, 'hidden', { get: () => window.background }));
    await tab.goto(`${proxy.url}/desk/c?tab=queue`);
    await stands(tab, 'poll');
    const held = new Set();
    tab.on('request', request => { if (/events.*wait=/.test(request.url())) held.add(request); });
    for (const end of ['requestfinished', 'requestfailed']) tab.on(end, request => held.delete(request));
    const asked = () => tab.waitForRequest(/events.*wait=/, { timeout: 30_000 });
    await asked();
    const turn = hidden => tab.evaluate(hidden => { window.background = hidden; dispatchEvent(new Event('visibilitychange')); }, hidden);
    await turn(true);
    // What it asked before is answered by this, if it was not by what others say meanwhile; the speaker goes on.
    const vera = await browser.person();
    await vera.goto(`${server.url}/w/demo`);
    await say(vera, '第一位');
    await speaker.locator('.row', { hasText: '第一位' }).waitFor();
    while (held.size) await tab.waitForEvent('requestfinished');
    const again = asked().then(() => true, () => false);
    const walt = await browser.person();
    await walt.goto(`${server.url}/w/demo`);
    await say(walt, '第二位');
    await speaker.locator('.row', { hasText: '第二位' }).waitFor();
    assert.equal(await tab.locator('.row', { hasText: '第二位' }).count(), 0);
    await turn(false);
    assert.ok(await again, 'it asks at once');
    await tab.locator('.row', { hasText: '第二位' }).waitFor();
    for (const page of [speaker, vera, walt]) await page.context().close();
    proxy.stop();
  });

  test('while the line is down the desk says which attempt comes and when, and makes it at once if told to', async () => {
    const proxy = await FaultyProxy.to(server.url, {});
    const ben = await browser.person({ viewport: { width: 1440, height: 860 } });
    await ben.addInitScript(() => document.addEventListener('synced', () => { window.synced = true; }));
    // The stream alone tries, longer and longer apart.
    await ben.route('**/a/ladder.*', route => route.abort());
    await ben.goto(`${proxy.url}/login`);
    await ben.fill('#email', 'lin@shop.example');
    await ben.fill('#password', 'correct horse battery');
    await ben.click('main form button.btn-p');
    await ben.waitForURL('**/desk/c**');
    const strip = ben.locator('#line'), here = ben.locator('.tabs a').first();
    const says = words => ben.waitForFunction(words => new RegExp(words).test(document.getElementById('line').textContent), words, { timeout: 30_000 });
    const cut = () => { proxy.faults = { stream: '502' }; proxy.server.closeAllConnections(); };
    await ben.waitForFunction(() => window.synced);
    assert.ok(await strip.isHidden());
    // What is said to ears.
    await ben.evaluate(`new MutationObserver(() => { (window.told ??= []).push(net.textContent); }).observe(net, { childList: true })`);
    cut();
    await says('^网络已断开，正在重新连接 · 第 ([3-9]|\\d\\d) 次 · \\d+ 秒后再试');
    assert.deepEqual(await ben.evaluate('told'), ['网络已断开，正在重新连接'], 'said once, however often it is tried');
    assert.deepEqual(await axe(ben), []);
    await shot(ben, 'line-down-desktop-light-zh-CN');
    await here.focus();
    const tries = () => +/第 (\d+) 次/.exec(document.getElementById('line').textContent)?.[1];
    const before = proxy.seen.stream, made = await ben.evaluate(tries);
    await strip.locator('button').click();
    await ben.waitForFunction(made => +/第 (\d+) 次/.exec(document.getElementById('line').textContent)?.[1] > made, made);
    for (const end = Date.now() + 2_000; proxy.seen.stream === before;) {
      assert(Date.now() < end, 'it is tried at once');
      await ben.waitForTimeout(50);
    }
    // A page whose stream never began says it too.
    await ben.reload();
    await says('^网络已断开，正在重新连接 · 第 \\d+ 次 · \\d+ 秒后再试');
    await ben.evaluate(`new MutationObserver(() => { (window.told ??= []).push(net.textContent); }).observe(net, { childList: true })`);
    await here.focus();
    proxy.faults = {};
    // In the page: the next try by itself may come first and take the button away.
    await strip.locator('button').evaluate(button => { button.focus(); button.click(); });
    await ben.locator('html:not([data-net=off])').waitFor();
    await ben.waitForFunction(() => document.activeElement.matches('.tabs a'));
    await strip.waitFor({ state: 'hidden' });
    assert.equal((await ben.evaluate('told')).filter(Boolean).at(-1), '已恢复连接');
    await ben.context().close();
    proxy.stop();
  });

  for (const name of ['nginx', 'haproxy']) {
    test(`${name} as it comes carries the stream`, async () => {
      const proxy = await RealProxy[name](server.url);
      const { vera, lin, end } = await talk(proxy, `经过 ${name}`);
      await say(lin, '看得见');
      await sees(vera, '看得见');
      await say(vera, '好的');
      await sees(lin, '好的');
      assert.equal(await rungOf(vera), '');
      assert.deepEqual(await messages(vera), [`经过 ${name}`, '看得见', '好的']);
      await end();
    });
  }

  test('a line that carries nothing for a while is no reason to leave the stream for long', async () => {
    const proxy = await FaultyProxy.to(server.url, {});
    const { vera, lin, end } = await talk(proxy, '断断续续');
    await stands(vera, '');
    proxy.faults = { stream: '502', ws: '502', poll: '502', page: '502', refresh: '502' };
    proxy.server.closeAllConnections();
    await vera.locator('html[data-net=off]').waitFor();
    await say(vera, '这时写的');
    await say(vera, '还有一句');
    proxy.faults = {};
    await stands(vera, '');
    await sees(lin, '还有一句');
    assert.deepEqual(await messages(lin), ['断断续续', '这时写的', '还有一句']);
    assert.deepEqual(await messages(vera), ['断断续续', '这时写的', '还有一句']);
    await end();
  });
});
