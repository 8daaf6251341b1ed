// What our pages tell browsers (T36). Each page that any test visits is looked at by google's csp_evaluator and has to run without a violation of its policy,
// see kefu.js; here is shown that it would be noticed.
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, lacks, visitor } from './kefu.js';
import { shop } from './shop.js';

let server, browser, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  host = await shop(server);
  execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', '青禾', '--key', 'here', '--origin', `http://localhost:${host.port}`]);
});
after(async () => {
  host.close();
  await browser.stop();
  await server.stop();
});

/** What was complained of while something was done, once a complaint has come that is like this. */
async function complained(page, like, act) {
  const heard = page.waitForEvent('console', message => like.test(message.text()));
  await act();
  await heard;
  return browser.complaints.splice(0);
}

test('a policy with a hole is found, and a header that is missing', async () => {
  const headers = Object.fromEntries((await fetch(`${server.url}/login`)).headers), policy = headers['content-security-policy'];
  assert.deepEqual(lacks(headers), []);
  for (const [from, to] of [
    ["script-src 'self'", "script-src 'self' 'unsafe-inline'"], ["script-src 'self'", 'script-src *'], ["script-src 'self'", 'script-src https:'],
    ["script-src 'self'", "script-src 'self' http://cdn.example"], ["script-src 'self'", "script-src 'self' ajax.googleapis.com"], ["object-src 'none'", 'object-src *'],
    ["base-uri 'none'", 'base-uri *'], ["img-src 'self'", 'img-sorce'], ["connect-src 'self'", 'connect-src self'], ["; frame-ancestors 'none'", ''], [policy, ''],
  ]) {
    assert.ok(policy.includes(from), from);
    assert.equal(lacks({ ...headers, 'content-security-policy': policy.replace(from, to) }).length > 0, true, to);
  }
  for (const name of ['x-content-type-options', 'referrer-policy', 'permissions-policy', 'cross-origin-opener-policy', 'cross-origin-resource-policy', 'cache-control']) {
    assert.deepEqual(lacks({ ...headers, [name]: undefined }), [`no ${name}`]);
  }
});

test('what breaks the policy of a page is complained of, and a page that has none', async () => {
  const page = await browser.person();
  await page.goto(`${server.url}/login`);
  browser.nothingComplained();
  const inline = await complained(page, /^Content Security Policy: script-src/, () => page.evaluate(() => document.head.append(Object.assign(document.createElement('script'), { textContent: '1' }))));
  assert.ok(inline.length > 0, JSON.stringify(inline));
  const elsewhere = await complained(page, /^Content Security Policy: connect-src/, () => page.evaluate(url => fetch(url).catch(() => {}), `http://localhost:${host.port}/`));
  assert.ok(elsewhere.length > 0, JSON.stringify(elsewhere));
  await page.route('**/bare', route => route.fulfill({ contentType: 'text/html', body: '<title>bare</title>' }));
  await page.goto(`${server.url}/bare`);
  assert.ok(browser.complaints.splice(0).some(text => text.includes('/bare: script-src')));
});

test('pages of others show the chat where they may, and nothing else of ours', async () => {
  const vera = await visitor(browser, server, '您好'), chat = new URL(vera.url()).pathname;
  const page = await browser.person();
  await page.goto(`http://localhost:${host.port}/?frame=here`);
  await page.frameLocator('iframe').locator('#body').waitFor();
  browser.nothingComplained();
  const show = path => page.evaluate(src => {
    document.querySelector('iframe').replaceWith(Object.assign(document.createElement('iframe'), { src }));
  }, server.url + path);
  for (const path of ['/', '/login', '/setup', '/desk', '/demo', '/api/docs', '/nowhere', '/w/demo']) {
    const complaints = await complained(page, /frame-ancestors/, () => show(path));
    assert.ok(complaints.some(text => text.includes('frame-ancestors')), path);
  }
  // Somebody's conversation is not there for others, and that may be said.
  await show(chat);
  const said = await page.frameLocator('iframe').locator('main.card').textContent();
  assert.match(said, /404/);
  assert.ok(!said.includes('您好'), said);
});

test('every test that opens a browser asks whether something complained', () => {
  const folder = new URL('.', import.meta.url), files = readdirSync(folder).filter(name => name.endsWith('.test.js'));
  const silent = files.filter(name => /Browser\.start/.test(readFileSync(new URL(name, folder), 'utf8')) && !/nothingComplained/.test(readFileSync(new URL(name, folder), 'utf8')));
  assert.ok(files.length > 15);
  assert.deepEqual(silent, []);
});

test('nothing complained', () => browser.nothingComplained());
