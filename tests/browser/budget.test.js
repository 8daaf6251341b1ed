// What a first visit weighs, as it comes over the wire, cold cache: budgets of the product.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { Client } from './client.js';
import { BIN, Browser, Server, leads, owner, sees, visitor } from './kefu.js';
import { shop } from './shop.js';

/** What two people say to one another about an order. */
const TALK = [
  '您好，我是林小雨，请把订单号发给我，我马上为您查询。',
  '20261122-8871，下单的时候说当天发货的。',
  '查到了，这一单在杭州仓，昨晚刚刚打包完成。',
  '那什么时候能揽收呢？我周五要出差。',
  '预计今天下午六点之前揽收，单号会用短信发给您。',
  '如果周五之前到不了，可以改地址吗？',
  '揽收之前都可以改，请把新的地址告诉我。',
  '上海市徐汇区漕溪北路 88 号圣爱大厦 1203 室，陈女士收。',
  '好的，已经为您改好，请在订单页面核对一下。',
  '看到了，电话也帮我换成 138 开头的那个。',
  '已更新联系电话，快递员会先打给您再派送。',
  '谢谢！另外杯子有没有配套的茶托？',
  '有的，青花缠枝莲的茶托目前有两种尺寸。',
  '大的直径是多少？我的托盘比较窄。',
  '大号直径十四厘米，小号十一厘米，都可以叠放。',
  '那我再加一个小号的，能和刚才那单一起发吗？',
  '可以合并，不过需要您先付款，我让仓库稍等十分钟。',
  '付好了，尾号 3306 的那一笔。',
  '收到，已经通知仓库合单，运费不再另收。',
  '太好了，发票能开公司抬头吗？',
  '可以，请提供公司名称和税号。',
  '青禾文化传播有限公司，税号稍后补给您。',
  '好的，电子发票会在签收后三天内发到您的邮箱。',
  '邮箱是 chen@shop.example，别发错啦。',
  '已经登记，发送前我会再核对一遍。',
  '我还有一单退货，不知道到哪一步了。',
  '请问是上周的那只紫砂壶吗？',
  '对，壶嘴有一点磕碰，照片之前传过。',
  '看到照片了，质检已经确认，属于运输破损。',
  '那运费谁来承担呢？',
  '运费由我们承担，您垫付的十二元会一起退回。',
  '退款大概几天能到账？',
  '原路退回，一般一到三个工作日，遇到周末会顺延。',
  '可以换一只新的吗？其实我挺喜欢这个款式。',
  '可以换货，这一款还剩最后两只，我先替您留住。',
  '留一只就行，颜色要深一点的。',
  '深色的泥料批次不同，我拍一张实物图给您确认。',
  '好的，不着急，您慢慢拍。',
  '图片已经发到您的邮箱，光线偏黄，实物会更沉一些。',
  '收到了，就要这一只，麻烦多包两层气泡膜。',
  '没问题，我会在备注里写明加固包装。',
  '换货的话，旧的那只怎么寄回？',
  '明天上午会有快递员上门取件，您不用付钱。',
  '上午十点以后可以吗？我送孩子上学。',
  '已经预约十点到十二点，到门口之前会打电话。',
  '您服务真周到，给您好评。',
  '谢谢您的肯定，还有什么可以帮您？',
  '暂时没有了，等收到货再联系。',
  '好的，祝您出差顺利，随时可以在这里找到我们。',
  '再见，辛苦了！',
];

let server, browser;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

/** Bytes on the wire of everything a page asks for until it is quiet, streams left out. */
async function weigh(page, act) {
  const seen = [];
  const client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.setCacheDisabled', { cacheDisabled: false });
  const named = new Map(), coming = new Map(), endless = path => /\/(events|live|read|seen)$/.test(path);
  client.on('Network.requestWillBeSent', ({ requestId, request }) => {
    named.set(requestId, new URL(request.url).pathname);
    coming.set(requestId, named.get(requestId));
  });
  client.on('Network.loadingFailed', ({ requestId }) => coming.delete(requestId));
  client.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => {
    coming.delete(requestId);
    seen.push({ path: named.get(requestId) ?? '', bytes: encodedDataLength });
  });
  await act();
  // What is there for the page may be counted a moment later.
  for (const end = Date.now() + 10_000; ![...coming.values()].every(endless) && Date.now() < end;) await new Promise(done => setTimeout(done, 20));
  const files = seen.filter(({ path }) => !endless(path));
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

test('the first open through the line, of a site with colours and a logo: at most 40 KB and 6 requests', async () => {
  const lin = await owner(browser, server), host = await shop(server);
  execFileSync(BIN, ['site', 'add', '--data-dir', server.folder, '--name', '青禾', '--key', 'shop', '--origin', `http://127.0.0.1:${host.port}`]);
  await lin.goto(`${server.url}/desk/settings/sites/shop`);
  await lin.locator('[name=color]').fill('#6B3FA0');
  await lin.locator('main form:has([name=color]) button.btn-p').click();
  await lin.waitForURL('**/sites/shop?saved=1');
  // As much as a logo of 96 pixels may well weigh.
  const noise = await lin.evaluate(() => {
    const canvas = Object.assign(document.createElement('canvas'), { width: 96, height: 96 }), pen = canvas.getContext('2d');
    for (let n = 0; n < 96; n++) { pen.fillStyle = `hsl(${n * 37 % 360} 60% 50%)`; pen.fillRect(n * 29 % 96, n * 53 % 96, 24, 24); }
    return canvas.toDataURL().split(',')[1];
  });
  await lin.locator('form[action$="/logo/files"] input[type=file]').setInputFiles({ name: 'logo.png', mimeType: 'image/png', buffer: Buffer.from(noise, 'base64') });
  await leads(lin, () => lin.locator('form[action$="/logo/files"] button').click());

  const page = await browser.person();
  await page.goto(`http://127.0.0.1:${host.port}/?key=shop`);
  await page.locator('kefu-chat button').waitFor();
  const frame = page.frameLocator('kefu-chat iframe');
  const weight = await weigh(page, async () => {
    await page.evaluate(() => { kefu('on', 'ready', () => { document.title = 'ready'; }); kefu('open'); });
    await page.waitForFunction(() => document.title === 'ready');
    await frame.locator('header .av img').evaluate(image => image.complete || new Promise(done => { image.onload = done; }));
    await page.waitForLoadState('networkidle');
  });
  host.close();
  console.log('first open', JSON.stringify(weight));
  assert.ok(weight.files.some(({ path }) => path.endsWith('/logo')), JSON.stringify(weight));
  assert.ok(weight.bytes <= 40_000 && weight.requests <= 6 && weight.js <= 20_000, JSON.stringify(weight));
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

// As a proxy compresses what is drawn anew each time. No sentence is there twice: a talk that repeats itself weighs nothing.
test('a switch of conversation is at most 8 KB, with fifty messages of usual length', async () => {
  const lin = await owner(browser, server), vera = await visitor(browser, server, '您好，我想问一下昨天下的订单为什么还没有发货？');
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: '昨天下的订单' }).click();
  await sees(lin, '昨天下的订单');
  const [desk, chat] = [await Client.of(server, lin), await Client.of(server, vera)];
  const [work, talk] = [new URL(lin.url()).pathname, new URL(vera.url()).pathname];
  for (const [n, body] of TALK.entries()) {
    const { status } = await (n % 2 ? chat : desk).post(`${n % 2 ? talk : work}/messages`, { nonce: `t${n}`, body });
    assert.equal(status, 303);
  }
  await sees(lin, TALK.at(-1));
  await visitor(browser, server, '另一位');
  await lin.locator('.row', { hasText: '另一位' }).click();
  await sees(lin, '另一位');
  const answer = lin.waitForResponse(answer => new URL(answer.url()).pathname === work);
  await lin.locator('.row', { hasText: TALK.at(-1) }).click();
  // As it comes over the line.
  const html = await (await answer).text(), { responseBodySize: weight } = await (await answer).request().sizes();
  console.log('switch', JSON.stringify({ messages: html.match(/class="m[ "]/g).length, characters: html.length, weight }));
  assert.equal(html.match(/class="m[ "]/g).length, 50);
  assert.ok(weight <= 8_000, `${weight} bytes`);
});
