// An owner puts the chat on a website and watches it turn green.
import { once } from 'node:events';
import http from 'node:http';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, axe, owner, shot, strangers } from './kefu.js';

let server, browser, lin, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  host = http.createServer((_, answer) => answer.setHeader('Content-Type', 'text/html; charset=utf-8').end(`<!doctype html><title>青禾</title>
<main>青禾</main><script async src="${server.url}/w/demo.js"></script>`)).listen(0);
  await once(host, 'listening');
  strangers.add(host.address().port);
  lin = await owner(browser, server);
});
after(async () => {
  host.close();
  await browser.stop();
  await server.stop();
});

const PANEL = '/desk/settings/sites/demo/install';
const step = n => lin.locator('.steps li').nth(n);

test('the panel turns green by itself, and one click lets a page in that was not allowed', async () => {
  await lin.context().grantPermissions(['clipboard-read', 'clipboard-write'], { origin: server.url });
  await lin.goto(`${server.url}${PANEL}`);
  await lin.locator('[data-copy]').click();
  await lin.locator('[data-copy]', { hasText: '已复制' }).waitFor();
  assert.match(await lin.evaluate(() => navigator.clipboard.readText()), /<script async src=".*\/w\/demo\.js"><\/script>/);
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'install-waiting');

  const shop = await browser.person(), here = `http://127.0.0.1:${host.address().port}`;
  await shop.goto(here);
  await lin.locator('.steps li.done', { hasText: here }).waitFor();
  await shop.locator('kefu-chat button').click();
  await lin.locator('.steps li.bad', { hasText: here }).waitFor();
  await shot(lin, 'install-refused');
  await lin.locator('.watch form button').click();
  await lin.waitForURL(`**${PANEL}?how=html`);
  browser.complaints = browser.complaints.filter(text => !/frame-ancestors/.test(text));

  await shop.goto(here);
  await shop.locator('kefu-chat button').click();
  const chat = shop.frameLocator('kefu-chat iframe');
  await chat.locator('#body').fill('测试');
  await step(1).and(lin.locator('.done')).waitFor();
  await chat.locator('form#f button.btn-p').click();
  await lin.locator('.watch > .ok').waitFor();
  assert.equal(await lin.locator('.steps li.done').count(), 3);
  // It is done, and asks no more.
  assert.equal(await lin.locator('#watch[hx-get]').count(), 0);
  await shot(lin, 'install-done');
});

test('every way, in both languages, light and dark, on a phone and on a desk', async () => {
  for (const [language, theme, width] of [['zh-CN', 'light', 390], ['zh-CN', 'dark', 1440], ['en', 'light', 1440], ['en', 'dark', 390]]) {
    await lin.request.post(`${server.url}/desk/me/profile`, { form: { name: '林小雨', language, theme }, headers: { Origin: server.url } });
    await lin.setViewportSize({ width, height: width === 390 ? 844 : 900 });
    for (const way of ['html', 'wordpress', 'wechat', 'qr', 'uni-app', 'link']) {
      await lin.goto(`${server.url}${PANEL}?how=${way}`);
      if (way === 'html') await lin.locator('#developers > summary').click();
      assert.equal(await lin.locator('.how [aria-current]').count(), 1);
      assert.ok(await lin.evaluate(() => document.documentElement.scrollWidth <= innerWidth), `${way} is too wide at ${width}`);
      assert.deepEqual(await axe(lin), [], way);
      await shot(lin, `install-${way}-${language}-${theme}-${width}`);
    }
    await lin.goto(`${server.url}/desk/settings/sites/demo`);
    assert.deepEqual(await axe(lin), []);
    await shot(lin, `site-${language}-${theme}-${width}`);
    await lin.goto(`${server.url}/desk/settings/sites/demo/preview`);
    assert.deepEqual(await axe(lin), []);
    await lin.goto(`${server.url}/setup/install`);
    assert.deepEqual(await axe(lin), []);
    await shot(lin, `setup-${language}-${theme}-${width}`);
  }
});

test('the preview follows what is typed, and nothing of it is kept', async () => {
  await lin.setViewportSize({ width: 1440, height: 900 });
  await lin.goto(`${server.url}/desk/settings/sites/demo`);
  const preview = lin.frameLocator('#preview'), steps = await lin.evaluate(() => history.length);
  await preview.locator('.launch').waitFor();
  await lin.locator('#greeting_zh').fill('欢迎来到青禾');
  await preview.locator('h2', { hasText: '欢迎来到青禾' }).waitFor();
  await lin.locator('#label_en').fill('Ask us');
  await preview.locator('.launch', { hasText: 'Ask us' }).waitFor();
  await lin.locator('#color').fill('#ffeb3b');
  await preview.locator('#contrast', { hasText: /1\d\.\d : 1/ }).waitFor();
  await lin.waitForFunction(() => /: 1/.test(document.getElementById('color-h').textContent) && !/7\.4/.test(document.getElementById('color-h').textContent));
  await lin.locator('#side').selectOption('left');
  await lin.waitForFunction(() => document.getElementById('preview').contentDocument.querySelector('.launch')?.offsetLeft === 20);
  // Beside the form, and no step on the way back.
  const [form, frame] = await Promise.all(['form[data-preview]', '#preview'].map(of => lin.locator(of).boundingBox()));
  assert.ok(frame.x >= form.x + form.width, 'the preview stands beside the form');
  assert.equal(await lin.evaluate(() => history.length), steps);
  await shot(lin, 'preview-1440');
  await lin.setViewportSize({ width: 390, height: 844 });
  assert.ok(await lin.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
  await lin.locator('#preview').scrollIntoViewIfNeeded();
  await shot(lin, 'preview-390');
  await lin.reload();
  assert.equal(await lin.locator('#greeting_zh').inputValue(), '');
});

test('without scripts the steps are there, and a link asks again', async () => {
  const page = await browser.person({ javaScriptEnabled: false, storageState: await lin.context().storageState() });
  await page.goto(`${server.url}/desk/settings/sites`);
  await page.locator('#name').fill('第二家');
  await page.locator('.row-form button').click();
  await page.locator('main a[href$="/install"]').last().click();
  assert.equal(await page.locator('[data-copy]').isHidden(), true);
  await page.locator('.watch p a').last().click();
  await page.waitForURL('**/install?how=html&since=0');
  assert.equal(await page.locator('.steps li.wait').count(), 3);
});

test('nothing complained', () => browser.nothingComplained());
