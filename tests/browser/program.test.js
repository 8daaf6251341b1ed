// The example client in JavaScript, in a page of a shop that is allowed to, and in one that is not.
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import http from 'node:http';
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, owner, say, sees, strangers } from './kefu.js';

let server, browser, lin;
const shops = [];
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
});
after(async () => {
  for (const shop of shops) shop.close();
  await browser.stop();
  await server.stop();
});

afterEach(() => browser.nothingComplained());

/** A page of somebody else's, on an origin of its own. */
async function shop() {
  const example = readFileSync(new URL('../../examples/visitor.mjs', import.meta.url));
  const page = '<!doctype html><title>shop</title><ol></ol>';
  const one = http.createServer((request, answer) => {
    const script = request.url === '/visitor.mjs';
    answer.setHeader('Content-Type', script ? 'text/javascript' : 'text/html').end(script ? example : page);
  }).listen(0, '127.0.0.1');
  await once(one, 'listening');
  strangers.add(one.address().port);
  shops.push(one);
  return `http://127.0.0.1:${one.address().port}`;
}

async function talk(page, url, site) {
  await page.goto(url);
  await page.evaluate(async ([base, site]) => {
    const { Visitor } = await import('/visitor.mjs');
    const tell = text => { document.querySelector('ol').append(Object.assign(document.createElement('li'), { textContent: text })); };
    window.visitor = new Visitor(base, site, 'from a shop', (visitor, entry) => {
      tell(`${entry.seq} ${entry.event ?? entry.body}`);
      if (entry.body === '您好') visitor.send('got it');
    });
    window.visitor.run().catch(error => tell(error.message));
  }, [server.url, site]);
}

test('on a page of the site it talks over the socket', async () => {
  const url = await shop();
  execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', 'Shop', '--key', 'shop', '--origin', url]);
  const page = await browser.person();
  await talk(page, url, 'shop');
  await page.locator('li', { hasText: '1 from a shop' }).waitFor();
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: 'from a shop' }).click();
  await lin.locator('#conv[data-cid]').waitFor();
  await say(lin, '您好');
  await sees(lin, 'got it');
  await page.locator('li', { hasText: '3 got it' }).waitFor();
  assert.deepEqual(await page.locator('li').allTextContents(), ['1 from a shop', '2 您好', '3 got it']);
});

test('on a page of nobody it gets nothing', async () => {
  const page = await browser.person();
  const refused = page.waitForEvent('requestfailed');
  await talk(page, await shop(), 'demo');
  await refused;
  assert.deepEqual(await page.locator('li').allTextContents(), []);
});
