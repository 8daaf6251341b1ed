// Every page in both languages, light and dark, on a phone and on a desktop: axe finds nothing, nothing scrolls sideways,
// and a picture of each is kept if somebody wants to look at it.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BIN, Browser, COLOURS, Server, axe, owner, say, sees, shot, visitor } from './kefu.js';

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
  // Her language from now on is the browser's, so that the desk is seen in both.
  await posted('/desk/me/profile', { name: '林小雨', language: 'auto', theme: 'auto' });
  const made = (path, fields) => posted(`/desk/settings/${path}`, fields);
  await made('agents', { name: '陈思远', email: 'chen.siyuan@shop.example', role: 'admin' });
  await made('agents', { name: 'Alexandra Konstantinopoulos', email: 'alexandra.konstantinopoulos@customer-care.shop.example', role: 'agent' });
  await made('agents', { name: '\u202Egpj.elif', email: 'wu@shop.example', role: 'read-only' });
  await made('agents/4/disable', {});
  for (const name of ['退款', '发货', '已解决', 'Wholesale and large orders']) await made('tags', { name });
  await made('teams', { name: '售后与退换货', member: '1' });
  await made('teams', { name: 'Orders', member: '2' });
  await made('teams', { name: '🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟🛟' });
  await known();
  // One put off, one closed, and a message that said something else before.
  const act = (path, fields) => posted(`/desk/c/${path}`, { nonce: path.replaceAll('/', '-'), ...fields });
  for (const [id, verb, words] of [[4, 'snooze', '周一再联系我'], [5, 'close', '好的，没有问题了']]) {
    await (await visitor(browser, server, words)).context().close();
    await act(`${id}/claim`, {});
    await act(`${id}/${verb}`, { until: Math.floor(Date.now() / 1000) + 86_400 });
  }
  await act(`${new URL(lin.url()).pathname.split('/').pop()}/m/4/edit`, { body: '您好，我是林小雨，我马上为您查询，请稍等。' });
  const sheet = '短码,标题,内容,使用范围\ntkgz,退款规则,七天内可无理由退款，运费由买家承担。退款会在收到退货后 1–3 个工作日内原路退回。,所有人\nfh,发货时间,当天 16:00 前付款，当天发货。,所有人\nhi,问候,您好，我是{客服}，请问有什么可以帮您？,仅自己';
  await made('canned-replies/import', { sheet });
});

/** A form, by whoever is at the desk. */
async function posted(path, form) {
  const answer = await lin.request.post(server.url + path, { form, headers: { 'sec-fetch-site': 'same-origin' } });
  assert.ok(answer.ok(), `${path}: ${answer.status()}`);
}

/** What agents know of the visitors, and whom they do not hear any more. */
async function known() {
  const side = `${new URL(lin.url()).pathname}/side`;
  await visitor(browser, server, '加微信领优惠券', { locale: 'zh-CN' });
  await posted('/desk/settings/attributes', { key: 'level', kind: 'choice', label_zh: '会员等级', label_en: 'Level', choices: '普通\n金卡', place: '1' });
  for (const [field, value] of [['name', '陈女士'], ['phone', '138 1234 8871'], ['email', 'chen@shop.example'], ['a1', '金卡']]) await posted(`${side}/fields`, { field, value });
  for (const value of ['物流', '加急']) await posted(`${side}/tags`, { value });
  await posted(`${side}/notes`, { nonce: 'sf', body: '上次投诉过物流，优先安排顺丰发货。' });
  await posted('/desk/c/2/side/fields', { field: 'phone', value: '139 0000 1111' });
  await posted('/desk/c/3/side/block', { reason: '发送广告' });
}
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
  ending: ['vera', () => `${new URL(vera.url()).pathname}?end`],
  list: ['lin', () => '/desk/c?tab=queue'],
  desk: ['lin', () => new URL(lin.url()).pathname],
  side: ['lin', () => `${new URL(lin.url()).pathname}/side`],
  merge: ['lin', () => `${new URL(lin.url()).pathname}/side/merge?with=2`],
  attributes: ['lin', () => '/desk/settings/attributes'],
  blocked: ['lin', () => '/desk/settings/blocked'],
  search: ['lin', () => '/desk/search?q=' + encodeURIComponent('订单')],
  nothing: ['lin', () => '/desk/search?q=nowhere&from=2026-11-01'],
  me: ['lin', () => '/desk/me'],
  filter: ['lin', () => '/desk/filter?tab=all'],
  bulk: ['lin', () => '/desk/bulk?tab=all'],
  pick: ['lin', () => '/desk/c?tab=all&select=1&id=1'],
  handover: ['lin', () => `${new URL(lin.url()).pathname}/transfer`],
  later: ['lin', () => `${new URL(lin.url()).pathname}/snooze`],
  tagging: ['lin', () => `${new URL(lin.url()).pathname}/tags`],
  help: ['lin', () => `${new URL(lin.url()).pathname}/invite`],
  priority: ['lin', () => `${new URL(lin.url()).pathname}/priority`],
  closing: ['lin', () => `${new URL(lin.url()).pathname}/close`],
  put_off: ['lin', () => '/desk/c?tab=snoozed'],
  closed: ['lin', () => '/desk/c?tab=closed'],
  leaving: ['lin', () => '/desk/me', page => page.evaluate("document.querySelector('form[action=\"/logout\"]').submit()")],
  handled: ['lin', () => '/desk/bulk?tab=all&id=1&id=2', async page => {
    await page.locator('[name=tag]').first().check();
    await page.click('button[value=tag]');
    await page.locator('.ok[role=status]').waitFor();
  }],
  new_reply: ['lin', () => '/desk/settings/canned-replies/new'],
  earlier: ['lin', () => `${new URL(lin.url()).pathname}/m/4/earlier`],
  'message-menu': ['lin', () => `${new URL(lin.url()).pathname}/m/4`],
  tags: ['lin', () => '/desk/settings/tags'],
  agents: ['lin', () => '/desk/settings/agents'],
  replies: ['lin', () => '/desk/settings/canned-replies'],
  reply: ['lin', () => '/desk/settings/canned-replies/1'],
  sheet: ['lin', () => '/desk/settings/canned-replies/import'],
  choose: ['lin', () => `/desk/canned?c=${new URL(lin.url()).pathname.split('/').pop()}`],
  sites: ['lin', () => '/desk/settings/sites'],
  site: ['lin', () => '/desk/settings/sites/demo'],
  identity: ['lin', () => '/desk/settings/sites/demo/identity'],
  teams: ['lin', () => '/desk/settings/teams'],
  file_kinds: ['lin', () => '/desk/settings/file-kinds'],
  audit: ['lin', () => '/desk/settings/audit'],
  notifications: ['lin', () => '/desk/settings/notifications'],
  keys: ['lin', () => '/desk/keys'],
  docs: ['lin', () => '/api/docs'],
  install: ['lin', () => '/setup/install'],
  live: ['vera', () => `${new URL(vera.url()).pathname}/live`],
  setup: ['stranger', () => fresh.setup],
  invitation: ['stranger', () => invitation ??= invite()],
};

for (const [name, [who, path, act]] of Object.entries(pages)) {
  test(`${name} is whole for everybody`, async () => {
    const state = { stranger: undefined, vera: await vera.context().storageState(), lin: await lin.context().storageState() }[who];
    const look = async (size, locale) => {
      // In motion, a colour would be looked at half way to the other theme.
      const page = await browser.person({ storageState: state, viewport: SIZES[size], locale, reducedMotion: 'reduce' });
      const url = new URL(path(), server.url);
      if (who !== 'lin') url.searchParams.set('lang', locale);
      // A page that never ends is whole as soon as its composer is.
      const answer = await page.goto(url.href, { waitUntil: name === 'live' ? 'commit' : 'load' });
      assert.equal(answer.status(), name === 'error' ? 404 : 200, url.href);
      if (name === 'live') await page.frameLocator('iframe.cf').locator('#body').waitFor();
      if (await page.locator('.side').isVisible()) await page.locator('#side-identity').waitFor();
      // Some pages are only what a form is answered with.
      if (act) await Promise.all([page.waitForEvent('load'), act(page)]);
      const inBoth = async seen => {
        for (const colorScheme of ['light', 'dark']) {
          await page.emulateMedia({ colorScheme });
          await seen(`${size}-${colorScheme}-${locale}`, colorScheme);
        }
      };
      await inBoth(how => shot(page, `${name}-${how}`));
      // What can be opened is looked at as well.
      const folds = await page.locator('.fold').count();
      if (folds) await page.evaluate("document.querySelectorAll('.fold, .sure').forEach(fold => { fold.open = true })");
      await inBoth(async (how, colorScheme) => {
        if (folds) await shot(page, `${name}-open-${how}`);
        assert.deepEqual(await axe(page, 'html', colorScheme === 'dark' ? COLOURS : undefined), [], `${name} ${how}`);
      });
      const wider = await page.evaluate('document.documentElement.scrollWidth - innerWidth');
      assert.ok(wider <= 0, `${name} ${size} scrolls ${wider} px sideways`);
      await page.context().close();
    };
    for (const size of Object.keys(SIZES)) await Promise.all(['zh-CN', 'en'].map(locale => look(size, locale)));
    browser.nothingComplained();
  });
}

test('the contact is a column of the desk, a drawer where that is narrow, and all of it on a phone', async () => {
  const state = await lin.context().storageState(), path = new URL(lin.url()).pathname;
  for (const [name, viewport] of Object.entries({ drawer: { width: 1024, height: 768 }, pane: SIZES.phone })) for (const colorScheme of ['light', 'dark']) {
    const page = await browser.person({ storageState: state, colorScheme, viewport });
    await page.goto(server.url + path);
    await page.locator('#side-identity').waitFor({ state: 'attached' });
    assert.equal(await page.locator('.side').isVisible(), false);
    await page.locator('.side-open').click();
    await page.locator('.side.open #side-identity').waitFor();
    await page.waitForFunction(() => document.getAnimations().every(({ playState }) => playState !== 'running'));
    await shot(page, `${name}-${colorScheme}`);
    assert.deepEqual(await axe(page), [], `${name} ${colorScheme}`);
    await page.keyboard.press('Escape');
    await page.locator('.side').waitFor({ state: 'hidden' });
    assert.equal(await page.evaluate('document.activeElement.hasAttribute("data-side")'), true, 'the focus is where it was');
    await page.context().close();
  }
  const wide = await browser.person({ storageState: state, viewport: SIZES.desktop });
  await wide.goto(server.url + path);
  await wide.locator('#side-identity').waitFor();
  assert.equal(await wide.locator('.side').isVisible(), true);
  assert.equal(await wide.locator('.side-open').isVisible(), false);
  // Edited in place, and told to the lists; the panel is asked for again by that alone, and not by what happens in the conversation.
  let asked = 0;
  wide.on('request', request => { if (request.url().endsWith('/side')) asked++; });
  const rename = async name => {
    await wide.locator('.edit:has([value="name"]) > summary').click();
    await wide.fill('#side-name', name);
    await wide.keyboard.press('Enter');
    await wide.locator('.bar h1', { hasText: name }).waitFor();
    await wide.locator('.row .n', { hasText: name }).waitFor();
  };
  await rename('陈女士（VIP）');
  await say(wide, '还有什么可以帮您？');
  await sees(wide, '还有什么');
  await rename('陈女士（SVIP）');
  assert.ok(asked <= 2, `asked ${asked} times`);
  const bare = await browser.person({ storageState: state, viewport: SIZES.desktop, javaScriptEnabled: false });
  await bare.goto(server.url + path);
  await bare.locator('.side a').click();
  await bare.locator('.edit:has([value="name"]) > summary').click();
  await bare.fill('#side-name', '陈女士');
  await bare.keyboard.press('Enter');
  await bare.locator('.who b', { hasText: '陈女士' }).waitFor();
  for (const page of [wide, bare]) await page.context().close();
  browser.nothingComplained();
});
