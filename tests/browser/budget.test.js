// What a first visit weighs, as it comes over the wire, cold cache: budgets of the product.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, owner, sees, visitor } from './kefu.js';

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});

/** Bytes on the wire of everything a page asks for until it is quiet, streams left out. */
async function weigh(page, act) {
  const seen = [];
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', { cacheDisabled: false });
  const named = new Map();
  client.on('Network.requestWillBeSent', ({ requestId, request }) => named.set(requestId, new URL(request.url).pathname));
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => seen.push({ path: named.get(requestId), bytes: encodedDataLength }));
  await act();
  const files = seen.filter(({ path }) => !/\/(events|live|read|seen)$/.test(path));
  const sum = list => list.reduce((all, { bytes }) => all + bytes, 0);
  return { requests: files.length, bytes: sum(files), js: sum(files.filter(({ path }) => path.endsWith('.js'))), css: sum(files.filter(({ path }) => path.endsWith('.css'))), files };
}

test('a visitor opens the chat: at most 40 KB and 6 requests, 20 KB of it script', async () => {
  const first = await browser.person();
  const start = await weigh(first, () => first.goto(`${server.url}/w/demo`, { waitUntil: 'networkidle' }));
  console.log('start page', JSON.stringify(start));
  assert.ok(start.bytes <= 40_000 && start.requests <= 6 && start.js <= 20_000, JSON.stringify(start));

  const vera = await visitor(browser, server, '重量');
  const again = await browser.person({ storageState: await vera.context().storageState() });
  const page = await weigh(again, async () => {
    await again.goto(vera.url());
    await sees(again, '重量');
  });
  console.log('conversation', JSON.stringify(page));
  assert.ok(page.bytes <= 40_000 && page.requests <= 6 && page.js <= 20_000 && page.css <= 8_000, JSON.stringify(page));
});

test('without scripts it is at most 15 KB', async () => {
  const vera = await visitor(browser, server, '无脚本重量');
  const page = await browser.person({ javaScriptEnabled: false, storageState: await vera.context().storageState() });
  const weight = await weigh(page, async () => {
    await page.goto(vera.url(), { waitUntil: 'commit' });
    await page.frameLocator('iframe.full').frameLocator('iframe.cf').locator('#body').waitFor();
  });
  console.log('without scripts', JSON.stringify(weight));
  assert.ok(weight.bytes <= 15_000, JSON.stringify(weight));
});

test('the desk opens cold within 80 KB and 8 requests, 35 KB of it script', async () => {
  const lin = await owner(browser, server);
  await visitor(browser, server, '工作台重量');
  const page = await browser.person({ storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  const weight = await weigh(page, () => page.goto(`${server.url}/desk/c?tab=queue`, { waitUntil: 'load' }));
  console.log('desk', JSON.stringify(weight));
  assert.ok(weight.bytes <= 80_000 && weight.requests <= 8 && weight.js <= 35_000, JSON.stringify(weight));
});
