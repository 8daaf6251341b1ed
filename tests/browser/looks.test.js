// Every page in both languages, light and dark, on a phone and on a desktop: axe finds nothing, nothing scrolls sideways,
// and a picture of each is kept to be looked at.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BIN, Browser, Server, axe, owner, say, sees, shot, visitor } from './kefu.js';

let server, fresh, browser, lin, vera, second;
before(async () => {
  server = await Server.start();
  fresh = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  vera = await visitor(browser, server, '你好，我昨天下的订单 20261122-8871 还没有发货');
  await say(vera, '能帮我看一下吗？比较着急');
  await sees(vera, '比较着急');
  second = await visitor(browser, server, 'Is there a way to change the delivery address? https://shop.example/orders/8871', { locale: 'en' });
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').first().click();
  await lin.locator('#conv[data-cid]').waitFor();
  await lin.locator('.conv .bar button.btn-p').click();
  await lin.locator('.bar[data-state=open]').waitFor();
  await say(lin, '您好，我是林小雨，我查一下，请稍等。');
  await sees(vera, '请稍等');
  await lin.locator('input[value=note]').check({ force: true });
  await say(lin, '这位客户上次投诉过物流，麻烦优先处理。');
  await sees(lin, '优先处理');
  await lin.locator('input[value=text]').check({ force: true });
  await say(lin, '订单已经在杭州仓打包完成，预计今天 18:00 前揽收，单号会短信发给您。');
  await sees(vera, '短信发给您');
  await say(vera, '太好了，谢谢！');
  await sees(lin, '太好了');
  const sheet = '短码,标题,内容,使用范围\ntkgz,退款规则,七天内可无理由退款，运费由买家承担。退款会在收到退货后 1–3 个工作日内原路退回。,所有人\nfh,发货时间,当天 16:00 前付款，当天发货。,所有人\nhi,问候,您好，我是{客服}，请问有什么可以帮您？,仅自己';
  await lin.context().request.post(`${server.url}/desk/settings/canned-replies/import`, { form: { sheet }, headers: { 'sec-fetch-site': 'same-origin' } });
});
after(async () => {
  await browser.stop();
  await server.stop();
  await fresh.stop();
});

const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 860 } };
let invitation;
function invite() {
  const add = ['agent', 'add', '--data-dir', server.folder, '--public-url', server.url, '--email', 'ben@shop.example', '--name', '周航'];
  return execFileSync(BIN, add, { stdio: ['ignore', 'pipe', 'ignore'] }).toString().trim();
}

const pages = {
  front: ['stranger', () => '/'],
  demo: ['stranger', () => '/demo'],
  start: ['stranger', () => '/w/demo'],
  error: ['stranger', () => '/nowhere'],
  login: ['stranger', () => '/login'],
  conversation: ['vera', () => new URL(vera.url()).pathname],
  compose: ['vera', () => `${new URL(vera.url()).pathname}/compose`],
  list: ['lin', () => '/desk/c?tab=queue'],
  desk: ['lin', () => new URL(lin.url()).pathname],
  me: ['lin', () => '/desk/me'],
  agents: ['lin', () => '/desk/settings/agents'],
  replies: ['lin', () => '/desk/settings/canned-replies'],
  reply: ['lin', () => '/desk/settings/canned-replies/1'],
  sheet: ['lin', () => '/desk/settings/canned-replies/import'],
  choose: ['lin', () => `/desk/canned?c=${new URL(lin.url()).pathname.split('/').pop()}`],
  teams: ['lin', () => '/desk/settings/teams'],
  audit: ['lin', () => '/desk/settings/audit'],
  docs: ['lin', () => '/api/docs'],
  install: ['lin', () => '/setup/install'],
  live: ['vera', () => `${new URL(vera.url()).pathname}/live`],
  setup: ['stranger', () => fresh.setup],
  invitation: ['stranger', () => invitation ??= invite()],
};

for (const [name, [who, path]] of Object.entries(pages)) {
  test(`${name} is whole for everybody`, async () => {
    const state = { stranger: undefined, vera: await vera.context().storageState(), lin: await lin.context().storageState() }[who];
    for (const colorScheme of ['light', 'dark']) for (const [size, viewport] of Object.entries(SIZES)) for (const locale of ['zh-CN', 'en']) {
      const page = await browser.person({ storageState: state, colorScheme, viewport, locale });
      const url = new URL(path(), server.url);
      if (who !== 'lin') url.searchParams.set('lang', locale);
      // A page that never ends is whole as soon as its composer is.
      await page.goto(url.href, { waitUntil: name === 'live' ? 'commit' : 'load' });
      if (name === 'live') await page.frameLocator('iframe.cf').locator('#body').waitFor();
      await shot(page, `${name}-${size}-${colorScheme}-${locale}`);
      assert.deepEqual(await axe(page), [], `${name} ${size} ${colorScheme} ${locale}`);
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(wider <= 0, `${name} ${size} scrolls ${wider} px sideways`);
      await page.context().close();
    }
    browser.nothingComplained();
  });
}
