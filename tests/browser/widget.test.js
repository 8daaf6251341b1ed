// The chat on pages of somebody else: one line, on the same site (127.0.0.1) and on another (localhost).
import { execFileSync } from 'node:child_process';
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { BIN, Browser, Server, axe, leads, owner, say, sees, shot } from './kefu.js';
import { shop } from './shop.js';

let server, browser, lin, host;
before(async () => {
  server = await Server.start();
  browser = await Browser.whole();
  host = await shop(server);
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

const at = (name, more) => `http://${name}:${host.port}/?${new URLSearchParams(more)}`;
/** To a page from another one of the shop. */
const onward = (page, url) => page.goto(url, { referer: new URL(url).origin });
const launcher = page => page.locator('kefu-chat i > button');
const chat = page => page.frameLocator('kefu-chat iframe');

async function open(page, url) {
  await page.goto(url);
  await press(page);
}
/** Opens the chat, and waits for the page that stays. */
async function press(page) {
  await launcher(page).waitFor();
  await page.evaluate(() => { window.isReady = false; kefu('on', 'ready', () => { window.isReady = true; }); });
  await launcher(page).click();
  await page.waitForFunction(() => window.isReady);
  await chat(page).locator('#body').waitFor();
}

async function speak(page, words) {
  // The frame's scripts add it as they begin to listen.
  const fold = chat(page).locator('header > button');
  await fold.waitFor({ state: 'attached' });
  await chat(page).locator('#body').fill(words);
  await chat(page).locator('form#f button.btn-p').click();
  await chat(page).locator('ol.msgs .m .b', { hasText: words }).waitFor();
  await fold.waitFor({ state: 'attached' });
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
  client.on('Network.responseReceived', ({ requestId, response: { url, headers } }) => {
    const said = new Headers(headers);
    seen.set(requestId, { url, encoding: said.get('Content-Encoding'), script: +said.get('Content-Length') });
  });
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
  assert.ok(requests[0].script > 0 && requests[0].script <= 4_000, JSON.stringify(requests));
  // With what is said before it.
  assert.ok(requests[0].bytes <= 4_400, JSON.stringify(requests));
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
  assert.equal(await page.evaluate(() => localStorage.getItem('kefu here')), null);
});

test('on a page of another site, which gets no cookie, it is known by what the page keeps', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  assert.equal(await page.evaluate(() => localStorage.getItem('kefu there')), null);
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

for (const [name, key] of [['127.0.0.1', 'here'], ['localhost', 'there']]) test(`two tabs of a shop are in step, also when both were open before the first word (${key})`, async () => {
  const one = await browser.person(), two = await one.context().newPage(), url = at(name, { key });
  await open(one, url);
  await open(two, url);
  // People press in the tab before them; in one behind it a press may not find its way into a frame of another process.
  await one.bringToFront();
  await speak(one, `${key} 甲先说`);
  await two.bringToFront();
  await speak(two, `${key} 乙后说`);
  await chat(one).locator('ol.msgs .m .b', { hasText: `${key} 乙后说` }).waitFor();
  await one.bringToFront();
  await speak(one, `${key} 甲再说`);
  await chat(two).locator('ol.msgs .m .b', { hasText: `${key} 甲再说` }).waitFor();
  for (const page of [one, two]) {
    await open(page, url);
    await chat(page).locator('ol.msgs .m .b').nth(2).waitFor();
    assert.deepEqual(await chat(page).locator('ol.msgs .m .b').allTextContents(), [`${key} 甲先说`, `${key} 乙后说`, `${key} 甲再说`]);
  }
  await lin.goto(`${server.url}/desk/c?tab=all`);
  assert.equal(await lin.locator('.row', { hasText: key }).count(), 1, 'it is one visitor');
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

const failure = page => page.locator('kefu-chat [role=alert]');

/** What is clicked fails, and says so within 8 seconds. */
async function failsInTime(page, what) {
  // By the page's own clock.
  await page.evaluate(() => {
    kefu('on', 'open', () => { window.pressed = performance.now(); });
    kefu('on', 'error', () => { window.failed ??= performance.now(); });
  });
  await what.click();
  await failure(page).locator('a').waitFor();
  const took = await page.evaluate(() => window.failed - window.pressed);
  assert.ok(took <= 8_000, `${took} ms`);
}

for (const [name, key] of [['127.0.0.1', 'here'], ['localhost', 'there']]) test(`who talks is told of an answer on the shop’s next page (${key})`, async () => {
  const page = await browser.person(), next = at(name, { key, lang: 'zh' }), unread = page.locator('kefu-chat b');
  // Whoever only looked brings no frame along.
  await open(page, at(name, { key }));
  assert.equal(await page.evaluate(() => sessionStorage.length), 0);

  await open(page, at(name, { key }));
  await speak(page, `${key} 去别的页面`);
  // The page has noted how much was seen.
  await page.waitForFunction(key => sessionStorage[`kefu ${key}`] === '1', key);
  // It comes between two pages.
  await page.goto('about:blank');
  await answered(`${key} 去别的页面`, `${key} 第一个回答`);
  await onward(page, next);
  await unread.filter({ hasText: '1' }).waitFor();
  await say(lin, `${key} 第二个回答`);
  await unread.filter({ hasText: '2' }).waitFor();
  assert.equal(await page.locator('kefu-chat section').isHidden(), true);
  assert.equal(await lin.locator('#conv .read').count(), 0, 'nobody has read it');
  await launcher(page).click();
  await chat(page).locator('ol.msgs .m .b', { hasText: `${key} 第二个回答` }).waitFor();
  await lin.locator('#conv .read').waitFor();
  assert.equal(await unread.isHidden(), true);
  // What was read is not counted once more.
  await onward(page, at(name, { key }));
  await page.waitForFunction(() => new Promise(done => kefu('on', 'ready', () => done(true))));
  assert.equal(await unread.isHidden(), true);
});

test('a page that is not of the site is refused, and says so within 8 seconds', async () => {
  const page = await browser.person();
  await page.goto(at('localhost', { key: 'here' }));
  await failsInTime(page, launcher(page));
  assert.equal(await page.locator('kefu-chat [role=alert] a').getAttribute('href'), `${server.url}/w/here`);
  browser.complaints = browser.complaints.filter(text => !/frame-ancestors/.test(text));
});

test('a server that is dead leaves the page as it is, and a link', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.goto(at('localhost', { key: 'there' }));
  await launcher(page).waitFor();
  // Takes connections and never answers.
  await page.route(`${server.url}/w/**`, () => {});
  await failsInTime(page, launcher(page));
  await page.locator('#buy').click({ trial: true });
  // On a telephone, whose screen it covers, it can still be folded away.
  await page.setViewportSize({ width: 390, height: 844 });
  await failure(page).getByRole('button', { name: '关闭' }).click();
  await page.locator('#buy').click({ trial: true });
});

test('a dead server is no trap on a phone whose page has the button: it can be tried again and closed', async () => {
  const page = await browser.person({ hasTouch: true, isMobile: true });
  await page.goto(at('localhost', { key: 'there', more: ' data-launcher="off"' }));
  await page.locator('kefu-chat').waitFor({ state: 'attached' });
  await page.route(`${server.url}/w/**`, () => {});
  const main = page.locator('main'), section = page.locator('kefu-chat section');
  const begun = failsInTime(page, page.locator('[data-kefu-open]'));
  await section.waitFor();
  assert.match(await section.evaluate(element => getComputedStyle(element, '::before').content), /…/, 'something is shown while it loads');
  await begun;
  // On ground of its own, all over what the browser shows of the frame.
  const [ground, whole] = [await failure(page).boundingBox(), await section.boundingBox()];
  assert.deepEqual(ground, whole);
  assert.equal(await failure(page).evaluate(element => getComputedStyle(element).backgroundColor), 'rgb(251, 252, 250)');
  assert.deepEqual(await axe(page, 'kefu-chat'), []);
  await shot(page, 'widget-failed');
  await failure(page).getByRole('button', { name: '关闭' }).click();
  await section.waitFor({ state: 'hidden' });
  assert.equal(await main.evaluate(element => element.inert), false);
  await page.locator('[data-kefu-open]').click();
  // What was asked for goes on without an answer.
  await page.route(`${server.url}/w/**`, route => route.continue());
  await failure(page).getByRole('button', { name: '重试' }).click();
  await chat(page).locator('#body').waitFor();
  await failure(page).waitFor({ state: 'detached' });
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
  assert.deepEqual(await axe(page, 'kefu-chat'), []);
  assert.deepEqual(await axe(page.frames().find(frame => frame.url().includes('/w/there'))), []);
  await page.goBack();
  await launcher(page).waitFor();
  assert.deepEqual([page.url(), await page.evaluate(() => document.querySelector('main').inert)], [url, false]);
  // What the shop itself had stilled stays so.
  await page.evaluate(() => document.body.append(Object.assign(document.createElement('aside'), { inert: true })));
  await launcher(page).click();
  // The frame is a process of its own: keys reach it once the browser knows that it has the focus.
  await page.frames().find(frame => frame.url().includes('/w/there')).waitForFunction(() => document.hasFocus());
  await page.keyboard.press('Escape');
  await launcher(page).waitFor();
  assert.deepEqual(await page.evaluate(() => ['main', 'aside'].map(name => document.querySelector(name).inert)), [false, true]);
  // Opened again before the browser has stepped back it stays open, and Back leaves it.
  await page.waitForFunction(() => !history.state?.kefu);
  await page.evaluate(() => new Promise(done => {
    addEventListener('popstate', done, { once: true });
    for (const act of ['open', 'close', 'open']) kefu(act);
  }));
  assert.equal(await page.locator('kefu-chat section').isVisible(), true);
  await page.goBack();
  await page.locator('kefu-chat section').waitFor({ state: 'hidden' });
  // And after the page was loaded anew under the open chat.
  await launcher(page).click();
  await chat(page).locator('#body').waitFor();
  await page.reload();
  await launcher(page).click();
  await chat(page).locator('#body').waitFor();
  await page.goBack();
  await page.locator('kefu-chat section').waitFor({ state: 'hidden' });
  assert.equal(page.url(), url);
});

test('above a phone’s keyboard it is as high as what is left of the screen', async () => {
  const page = await browser.person({ hasTouch: true, isMobile: true }), box = () => page.locator('kefu-chat section').boundingBox();
  // The keyboard, as the page hears of it.
  await page.addInitScript(() => {
    const view = Object.assign(new EventTarget(), { scale: 1, height: 844, offsetTop: 0 });
    Object.defineProperty(window, 'visualViewport', { value: view });
    window.keyboard = (height, offsetTop, scale = 1) => { Object.assign(view, { height, offsetTop, scale }); view.dispatchEvent(new Event('resize')); };
  });
  await open(page, at('localhost', { key: 'there' }));
  await page.evaluate(() => keyboard(500, 40));
  assert.deepEqual(await box(), { x: 0, y: 40, width: 390, height: 500 });
  await page.evaluate(() => keyboard(400, 0, 2));
  assert.deepEqual(await box(), { x: 0, y: 0, width: 390, height: 844 });
  await page.evaluate(() => keyboard(844, 0));
  await page.evaluate(() => kefu('close'));
  await page.setViewportSize({ width: 1440, height: 860 });
  await launcher(page).click();
  assert.equal((await box()).width, 384);
});

test('all of it is on the screen, wherever the button stands', async () => {
  const page = await browser.person();
  for (const [width, height, x, y] of [[1366, 650, 20, 96], [1366, 650, 400, 400], [700, 500, 400, 400], [1440, 860, 0, 0]]) {
    await page.setViewportSize({ width, height });
    await open(page, at('localhost', { key: 'there', more: ` data-offset-x="${x}" data-offset-y="${y}"` }));
    const box = await page.locator('kefu-chat section').boundingBox();
    assert.ok(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height && box.height >= 320, JSON.stringify([width, height, x, y, box]));
    await page.keyboard.press('Escape');
    const button = await launcher(page).boundingBox();
    assert.deepEqual([width - button.x - button.width, height - button.y - button.height], [x, y]);
  }
});

test('the line and the page’s script say what is shown', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } }), section = page.locator('kefu-chat section');
  await page.goto(at('localhost', { key: 'there', more: ' data-launcher="off" data-z-index="77"' }));
  await page.locator('kefu-chat').waitFor({ state: 'attached' });
  assert.equal(await launcher(page).isHidden(), true);
  assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector('kefu-chat').shadowRoot.querySelector('i')).zIndex), '77');
  await page.evaluate(() => kefu('show'));
  assert.equal(await launcher(page).isVisible(), true);
  await page.evaluate(() => kefu('hide'));
  assert.equal(await launcher(page).isHidden(), true);
  await page.evaluate(() => kefu('toggle'));
  await chat(page).locator('#body').waitFor();
  await page.evaluate(() => kefu('toggle'));
  assert.equal(await section.isHidden(), true);
  await page.goto(at('localhost', { key: 'there', more: ' data-open="true"' }));
  await chat(page).locator('#body').waitFor();
  // What was asked for before the script was there is done once it is, in that order.
  await page.goto(at('localhost', { key: 'there', early: "kefu('on','open',()=>document.title='open');kefu('open');kefu('prefill','Order 8871')" }));
  await page.waitForFunction(() => document.title === 'open');
  await chat(page).locator('#body').waitFor();
  await page.waitForFunction(() => window.kefu.ready);
  assert.equal(await stands(chat(page)), 'Order 8871');
});

test('a site whose settings have no button shows none', async () => {
  addSite('quiet', `http://localhost:${host.port}`);
  await lin.goto(`${server.url}/desk/settings/sites/quiet`);
  await lin.locator('[name=launcher]').setChecked(false);
  await leads(lin, () => lin.locator('main form:has([name=launcher]) button.btn-p').click());
  const page = await browser.person();
  await page.goto(at('localhost', { key: 'quiet' }));
  await page.locator('kefu-chat').waitFor({ state: 'attached' });
  assert.equal(await launcher(page).isHidden(), true);
  await page.locator('[data-kefu-open]').click();
  await chat(page).locator('#body').waitFor();
});

test('a theme of the page that styles everything changes nothing of it', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  const theme = '*{all:unset;position:relative;box-sizing:content-box}body *{display:inline;font:9px/3 serif;color:red;margin:3px}button,iframe{display:block;width:10px;height:10px}#wpadminbar{position:fixed;top:0;left:0;width:100%;height:32px;z-index:99999}';
  const early = "window.$=window.jQuery=(...all)=>all;Array.prototype.each=function(act){this.forEach(act)};Object.assign(window,{wp:{},name:'wp',status:'x'})";
  for (const more of [{}, { policy: "default-src 'none'; script-src KEFU 'unsafe-inline'; style-src 'unsafe-inline'; frame-src KEFU; require-trusted-types-for 'script'" }]) {
    await page.goto(at('localhost', { key: 'there', theme, early, ...more }));
    await launcher(page).waitFor();
    const button = await launcher(page).boundingBox();
    assert.deepEqual([1440 - button.x - button.width, 860 - button.y - button.height, button.height], [20, 20, 56]);
    await press(page);
    const box = await page.locator('kefu-chat section').boundingBox(), frame = await page.locator('kefu-chat iframe').boundingBox();
    assert.deepEqual([box.width, box.height, 1440 - box.x - box.width], [384, 640, 20]);
    assert.deepEqual(frame, box);
    await speak(page, more.policy ? '策略也行' : '主题怎么样都行');
  }
  await shot(page, 'widget-theme');
});

test('a page in another language than the browser’s keeps it in the chat', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there', lang: 'en' }));
  const language = () => chat(page).locator('html').getAttribute('lang');
  assert.equal(await language(), 'en');
  await speak(page, 'Hello from abroad');
  assert.equal(await language(), 'en');
  await chat(page).locator('.menu summary').click();
  await chat(page).getByRole('link', { name: 'End the conversation' }).click();
  await chat(page).getByText('End this conversation?').waitFor();
  await open(page, at('localhost', { key: 'there', lang: 'en' }));
  await chat(page).locator('ol.msgs .m').waitFor();
  assert.equal(await language(), 'en');
  // Another one that the visitor chose holds as long as the chat does.
  await chat(page).locator('.menu summary').click();
  await chat(page).locator('.menu a[hreflang=zh-CN]').click();
  await chat(page).locator('html[lang=zh-CN]').waitFor();
  await speak(page, '换成中文');
  await chat(page).locator('.menu summary').click();
  await chat(page).getByRole('link', { name: '结束会话' }).click();
  await chat(page).getByText('要结束这次会话吗').waitFor();
});

test('a page that tells nothing of itself tells nothing', async () => {
  for (const [words, more, told] of [['说在哪里', {}, true], ['不说在哪里', { more: ' data-page="off"' }, false]]) {
    const page = await browser.person();
    await open(page, at('localhost', { key: 'there', ...more }));
    await speak(page, words);
    // The page is told after the first word, if at all, and what follows comes after it.
    await speak(page, `${words}，第二句`);
    await chat(page).locator('ol.msgs .m[id] .b', { hasText: `${words}，第二句` }).waitFor();
    await lin.goto(`${server.url}/desk/c?tab=all`);
    await lin.locator('.row', { hasText: words }).first().click();
    await lin.locator('#conv[data-cid]').waitFor();
    await lin.reload();
    await lin.locator('aside.side #side-identity').waitFor();
    assert.equal((await lin.locator('aside.side').textContent()).includes('localhost'), told, words);
  }
});

/** The pages that an agent is told of, the newest first, beside the conversation in which something was said. */
async function trail(words) {
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: words }).first().click();
  await lin.locator('#conv[data-cid]').waitFor();
  await lin.reload();
  await lin.locator('aside.side #side-identity').waitFor();
  return lin.locator('#side-pages a').allTextContents();
}

/** Looks at a page until the browser has noted it, without opening the chat there. */
async function looks(page, key, title, more = {}) {
  await onward(page, at('localhost', { key, title, ...more }));
  await page.waitForFunction(([key, title]) => localStorage[`kefu ${key} pages`]?.includes(title), [key, title]);
}

test('agents see which pages led to a question, from the first opening on, in whichever tab', async () => {
  const page = await browser.person(), key = 'there', notes = page => page.evaluate(() => localStorage.getItem('kefu there pages'));
  // Nobody has opened it yet: nothing is noted, however long one looks.
  await onward(page, at('localhost', { key, title: '首页' }));
  await launcher(page).waitFor();
  await page.evaluate(() => new Promise(done => setTimeout(done, 1_000)));
  assert.equal(await notes(page), null);

  // Whoever only looked into it is told of later, with what they looked at in between, each once.
  await open(page, at('localhost', { key, title: '茶壶' }));
  await looks(page, key, '茶杯');
  await page.reload();
  const other = await page.context().newPage();
  await looks(other, key, '茶盘');
  await onward(other, at('localhost', { key, title: '私密', more: ' data-page="off"' }));
  await launcher(other).waitFor();
  await other.evaluate(() => new Promise(done => setTimeout(done, 1_000)));
  await open(other, at('localhost', { key, title: '茶叶' }));
  const told = other.waitForResponse('**/c/*/pages');
  await speak(other, '这几样一起多少钱');
  assert.equal((await told).status(), 204);
  await speak(other, '包邮吗');
  const seen = (await trail('包邮吗')).filter(title => !title.startsWith('localhost'));
  assert.deepEqual(seen, ['茶叶', '茶盘', '茶杯', '茶壶']);

  // What follows is told by itself where the chat is loaded, and of other tabs once it is opened there; nothing twice.
  const follows = other.waitForResponse('**/c/*/pages');
  await looks(other, key, '结账');
  await follows;
  await looks(page, key, '售后');
  await looks(page, key, '退货');
  await page.bringToFront();
  const again = page.waitForResponse('**/c/*/pages');
  await launcher(page).click();
  await again;
  await speak(page, '可以退吗');
  assert.deepEqual((await trail('可以退吗')).filter(title => !title.startsWith('localhost')), ['退货', '售后', '结账', '茶叶', '茶盘', '茶杯', '茶壶']);

  // Whoever signs out leaves no trail to the next one.
  const forgotten = page.waitForResponse('**/w/there/forget');
  await page.evaluate(() => kefu('shutdown'));
  await forgotten;
  assert.equal(await notes(page), null);
});

test('beside a conversation it comes at once where the visitor goes and what colleagues note, and what is being typed there stays', async () => {
  const page = await browser.person(), key = 'there', panel = lin.locator('aside.side');
  await open(page, at('localhost', { key, title: '茶壶' }));
  await speak(page, '走来走去');
  await trail('走来走去');
  await looks(page, key, '茶海');
  await panel.locator('#side-pages a', { hasText: '茶海' }).waitFor();

  // A colleague, who is the same person in another tab.
  const other = await lin.context().newPage();
  await other.goto(lin.url());
  const note = async words => {
    await other.locator('#side-note').fill(words);
    await other.locator('#side-notes .add button').click();
    await other.locator('#side-notes .said', { hasText: words }).waitFor();
  };
  await note('喜欢紫砂');
  await panel.locator('#side-notes .said', { hasText: '喜欢紫砂' }).waitFor();

  // She is writing a note, and has opened what she wants to change: both stay, and what is new comes once that is done.
  await panel.locator('#side-note').fill('我也在写');
  await panel.locator('summary', { hasText: '邮箱' }).click();
  await panel.locator('#side-email').fill('half@');
  await note('要开发票');
  await other.locator('#side-tag').fill('老客户');
  await other.locator('#side-tag').press('Enter');
  await panel.locator('#side-tags li', { hasText: '老客户' }).waitFor();
  assert.equal(await panel.locator('#side-note').inputValue(), '我也在写');
  assert.equal(await panel.locator('#side-email').inputValue(), 'half@');
  assert.equal(await panel.locator('#side-notes .said', { hasText: '要开发票' }).count(), 0);
  await panel.locator('#side-note').fill('');
  await panel.locator('#side-tag').focus();
  await panel.locator('#side-notes .said', { hasText: '要开发票' }).waitFor();
  assert.equal(await panel.locator('#side-email').inputValue(), 'half@');

  // What is noted while a panel is on its way, and does not know it yet, comes after it.
  let let_go;
  const held = new Promise(done => { let_go = done; });
  const asked = new Promise(done => other.route('**/side', async route => {
    const response = await route.fetch();
    done();
    await held;
    await route.fulfill({ response });
  }, { times: 1 }));
  await other.addInitScript(() => {
    for (const sign of ['synced', 'contact']) document.addEventListener(sign, () => { window[`was ${sign}`] = true; });
  });
  await other.reload();
  await Promise.all([asked, other.waitForFunction(() => window['was synced'])]);
  await panel.locator('#side-note').fill('赶上了');
  await panel.locator('#side-notes .add button').click();
  await other.waitForFunction(() => window['was contact']);
  let_go();
  await other.locator('#side-notes .said', { hasText: '赶上了' }).waitFor();
  await other.close();
});

test('what is noted of pages stays small, and whatever stands there instead is in nobody’s way', async () => {
  const page = await browser.person(), key = 'there', notes = () => page.evaluate(() => localStorage['kefu there pages'].split('\n').filter(Boolean).map(line => line.split('\t')));
  const hash = 'a'.repeat(100_000);
  await open(page, `${at('localhost', { key, title: '很长' })}#${hash}`);
  assert.equal((await notes()).join('\t').length, 4_000);
  // Twenty, the newest first.
  await page.evaluate(() => {
    localStorage['kefu there pages'] = Array.from({ length: 30 }, (_, n) => [Date.now() - n * 1_000, `${location.origin}/${n}`, `${n}`, ''].join('\t')).join('\n');
  });
  await looks(page, key, '新');
  assert.deepEqual((await notes()).map(line => line[2]), ['新', ...Array.from({ length: 19 }, (_, n) => `${n}`)]);
  // A day without a page, and nothing is left, nor noted.
  await page.evaluate(() => { localStorage['kefu there pages'] = `${Date.now() - 864e5 - 1_000}\t${location.origin}/\tx\t`; });
  await onward(page, at('localhost', { key, title: '隔天' }));
  await page.waitForFunction(() => localStorage['kefu there pages'] === undefined);
  // Somebody talks, and the page's own script has written there: what can be told is.
  const rows = [`NOW\thttps://shop.example/ok\t<b>可以</b>\tnowhere`, '{', 'null', '9e15\thttps://shop.example/\t未来', 'x\ty', '\t\t\t', `NOW\tjavascript:alert(1)\t坏`, `NOW\t${'h'.repeat(3_000)}\t长`, `NOW\t<img src=x onerror=alert(1)>\t<img src=x onerror=alert(1)>`];
  await page.evaluate(rows => { localStorage['kefu there pages'] = rows.join('\n').replaceAll('NOW', Date.now() - 1_000); }, rows);
  await page.goto(at('localhost', { key, title: '还在' }));
  await launcher(page).click();
  const told = page.waitForResponse('**/c/*/pages');
  await speak(page, '写了什么');
  assert.equal((await told).status(), 204);
  await speak(page, '都可以');
  assert.deepEqual((await trail('都可以')).filter(title => !title.startsWith('localhost')), ['还在', '<b>可以</b>']);
});

/** What stands in the box of a chat, once something does. */
const stands = chat => chat.locator('#body').evaluate(box => new Promise(done => {
  const until = Date.now() + 8000;
  (function look() { box.value || Date.now() > until ? done(box.value) : requestAnimationFrame(look); })();
}));

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
  assert.equal(await stands(chat(page)), 'Order 8871');
  await page.evaluate(() => kefu('nonsense'));
});

const CARD = { title: '青花瓷杯 <img src=x onerror=alert(1)>', price: '¥128', order_no: 8871, url: 'https://shop.example/o/8871' };

test('a card of the page is offered, sent with one tap, and seen by both', async () => {
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.goto(at('localhost', { key: 'there' }));
  await launcher(page).waitFor();
  await page.evaluate(card => kefu('card', card), CARD);
  await launcher(page).click();
  const offer = chat(page).locator('.offer');
  await offer.locator('b', { hasText: CARD.title }).waitFor();
  await shot(page, 'widget-card-offer');
  // What was typed goes on waiting in the box.
  await chat(page).locator('#body').fill('还没写完');
  await offer.locator('.btn-p').click();
  const goods = chat(page).locator('ol.msgs .goods');
  await goods.waitFor();
  assert.equal(await goods.locator('a').getAttribute('href'), CARD.url);
  assert.equal(await offer.count(), 0);
  assert.equal(await stands(chat(page)), '还没写完');
  await shot(page, 'widget-card');
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await lin.locator('.row', { hasText: '¥128' }).first().click();
  await lin.locator('#conv .goods', { hasText: '8871' }).waitFor();
  await shot(lin, 'desk-card');

  // In the midst of a conversation, too; what is refused says why, and who does not want to need not.
  await page.evaluate(() => kefu('card', { title: '第二件', price: 5 }));
  await offer.locator('.btn-p').click();
  await goods.nth(1).waitFor();
  await sees(lin, '第二件');
  await page.evaluate(() => kefu('card', { title: '坏的', url: 'javascript:alert(1)' }));
  await offer.locator('.btn-p').click();
  await chat(page).locator('#problem', { hasText: 'https://' }).waitFor();
  assert.equal(await goods.count(), 2);
  await page.evaluate(() => kefu('card', { title: '不要' }));
  await offer.locator('.btn:not(.btn-p)').click();
  assert.equal(await offer.count(), 0);
});

test('the page is told what happens', async () => {
  const page = await browser.person();
  await page.goto(at('localhost', { key: 'there' }));
  await launcher(page).waitFor();
  await page.evaluate(() => {
    window.heard = [];
    for (const event of ['ready', 'open', 'close', 'unread', 'message']) kefu('on', event, detail => heard.push([event, detail ?? null]));
  });
  const heard = event => page.waitForFunction(event => window.heard.some(([name]) => name === event), event);
  await launcher(page).click();
  await heard('ready');
  await speak(page, '喂');
  await speak(page, '听得见吗');
  await heard('message');
  await page.evaluate(() => kefu('close'));
  await answered('听得见吗', '听得见');
  await heard('unread');
  const all = await page.evaluate(() => window.heard);
  assert.deepEqual(all.find(([name]) => name === 'message')[1], { mine: true });
  assert.deepEqual(all.find(([name]) => name === 'unread')[1], 1);
  for (const event of ['open', 'close']) assert.ok(all.some(([name]) => name === event), event);
});

test('files go through a frame that gets no cookie', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  await speak(page, '看图');
  // The smallest picture there is: one dot.
  const dot = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg==', 'base64');
  await chat(page).locator('.clip input').setInputFiles({ name: '点.png', mimeType: 'image/png', buffer: dot });
  await chat(page).locator('#chips .file:not(.coming)').waitFor();
  await chat(page).locator('form#f button.btn-p').click();
  const picture = chat(page).locator('ol.msgs .m[id] .pic img');
  await picture.waitFor();
  await picture.evaluate(image => image.complete && image.naturalWidth || new Promise((done, failed) => { image.onload = done; image.onerror = failed; }));
  assert.equal(await picture.evaluate(image => image.naturalWidth), 1);
  assert.match(await page.evaluate(() => localStorage.getItem('kefu there')), /^kfv_/);
});

test('without scripts a conversation goes both ways inside a frame', async () => {
  const page = await browser.person({ javaScriptEnabled: false });
  await page.goto(at('127.0.0.1', { frame: 'here' }));
  const frame = page.frameLocator('iframe');
  await frame.locator('#body').fill('没有脚本');
  await frame.locator('form#f button.btn-p').click();
  const live = frame.frameLocator('iframe.full');
  await live.locator('.m .b', { hasText: '没有脚本' }).waitFor();
  await answered('没有脚本', '也能聊');
  await live.locator('.m .b', { hasText: '也能聊' }).waitFor();
  const compose = live.frameLocator('iframe.cf');
  await compose.locator('#body').fill('很好');
  await compose.locator('form#f button.btn-p').click();
  await live.locator('.m .b', { hasText: '很好' }).waitFor();
  await sees(lin, '很好');
  // It ends as it began, after a question.
  await frame.locator('.menu summary').click();
  await frame.getByRole('link', { name: '结束会话' }).click();
  await frame.getByRole('link', { name: '取消' }).waitFor();
  await frame.getByRole('button', { name: '结束会话' }).click();
  await live.locator('.sys', { hasText: '您结束了会话' }).waitFor();
  await lin.locator('#conv .sys', { hasText: '访客 结束了会话' }).waitFor();
});

test('a visitor ends a conversation in a frame that gets no cookie, and goes on by writing', async () => {
  const page = await browser.person();
  await open(page, at('localhost', { key: 'there' }));
  await speak(page, '问完就走');
  await answered('问完就走', '好的，再见');
  await chat(page).locator('.menu summary').click();
  await chat(page).getByRole('link', { name: '结束会话' }).click();
  await chat(page).getByText('要结束这次会话吗').waitFor();
  await shot(page, 'widget-end');
  await chat(page).getByRole('button', { name: '结束会话' }).click();
  await chat(page).locator('.sys', { hasText: '您结束了会话' }).waitFor();
  await lin.locator('#conv .sys', { hasText: '访客 结束了会话' }).waitFor();
  await speak(page, '还有一句');
  await sees(lin, '还有一句');
});

/** How fast this machine is now, as Lighthouse's BenchmarkIndex: how often in 100 ms it copies 100,000 numbers or builds a string of 10,000 letters, the mean of both. */
const speed = page => page.evaluate(() => {
  function rate(work) {
    const begun = performance.now();
    let n = 0, took = 0;
    for (; took < 250; took = performance.now() - begun) for (let i = 0; i < 10; i++, n++) work();
    return n / took * 100;
  }
  const from = Array.from({ length: 100_000 }, (_, n) => n), to = [...from];
  const copies = rate(() => { for (let n = 0; n < from.length; n++) to[n] = from[n]; });
  const strings = rate(() => { let text = ''; for (let n = 0; n < 10_000; n++) text += 'a'; return text.length; });
  return (copies + strings) / 2;
});

/**
 * What the line takes of the main thread of a page that has a script of its own, at a quarter of the speed: milliseconds of the thread's own time, as the machine
 * may be busy. A quarter is of what Lighthouse takes for a desktop, an index of 1,500 to 2,000 (its docs/throttling.md), and as by default there it is reckoned:
 * the emulated one takes the thread away in slices that are longer than all of this.
 */
async function busy(comes) {
  const page = await browser.person(), events = [];
  // The first time is that of the compiler.
  await speed(page);
  const index = await speed(page);
  const tracing = await browser.chromium.newBrowserCDPSession();
  tracing.on('Tracing.dataCollected', ({ value }) => events.push(...value));
  await tracing.send('Tracing.start', { traceConfig: { includedCategories: ['devtools.timeline', 'v8'] }, transferMode: 'ReportEvents' });
  await page.goto(at('localhost', { key: 'there', early: "addEventListener('load', () => document.querySelector('#buy').addEventListener('click', () => kefu('open')))" }), { waitUntil: 'networkidle', ...comes });
  await launcher(page).waitFor();
  // What it does by itself a second later has come before this.
  await page.evaluate(() => new Promise(done => setTimeout(done, 1_000)));
  const complete = new Promise(done => tracing.once('Tracing.tracingComplete', done));
  await tracing.send('Tracing.end');
  await complete;
  await page.context().close();
  const own = events.filter(({ name, args }) => ['EvaluateScript', 'FunctionCall'].includes(name) && args.data?.url === `${server.url}/w/there.js`);
  assert.deepEqual(own.map(({ name }) => name), comes ? ['EvaluateScript', 'FunctionCall'] : ['EvaluateScript'], 'once, and on the next page once more a second later');
  for (const { tdur } of own) assert.ok(tdur > 0, JSON.stringify(own));
  const ms = own.reduce((all, { tdur }) => all + tdur, 0) / 1000;
  return { ms: +(ms * 4 * index / 1_750).toFixed(1), here: ms, index: Math.round(index) };
}

// The aim is 10 ms: the median was 8 on one machine, and 13 (10 to 18) on another, 2026-11-30, Chromium 156.0.8078.114. At this it would have become worse.
const MOST = 20;
test(`closed it takes less than ${MOST} ms of the page’s main thread at a quarter of the speed`, async t => {
  // What else the machine does only adds to it, so the quieter half of the looks counts.
  const half = async comes => {
    const took = [];
    do took.push(await busy(comes)); while (took.length < 25 && !(took.length > 2 && 2 * took.filter(({ ms }) => ms < MOST).length > took.length));
    t.diagnostic(`main thread${comes ? ' of the next page' : ''} ${JSON.stringify(took)}`);
    return took;
  };
  const took = await half();
  assert.ok(2 * took.filter(({ ms }) => ms < MOST).length > took.length, JSON.stringify(took));
});

/** Once of three: a machine that stands still for a moment is not measured. */
async function inTime(look) {
  const took = [];
  while (took.length < 3 && !(took.at(-1) <= 2_500)) took.push(await look());
  assert.ok(took.at(-1) <= 2_500, `${took} ms`);
}

test('at 400 kbps, 400 ms and a quarter of the speed the chat can be used within 2.5 s', () => inTime(async () => {
  const page = await browser.person(), client = await page.context().newCDPSession(page);
  await client.send('Network.enable');
  await client.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 });
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  await page.goto(`${server.url}/w/there`, { waitUntil: 'load' });
  const times = await page.evaluate(() => {
    const [page] = performance.getEntriesByType('navigation'), [paint] = performance.getEntriesByName('first-contentful-paint');
    return { form: paint && paint.startTime, ready: page.domContentLoadedEventEnd };
  });
  console.log('slow', JSON.stringify(times));
  return times.ready;
}));

test('through the line, too: 2.5 s after it is opened on such a page', () => inTime(async () => {
  const page = await browser.person(), client = await page.context().newCDPSession(page);
  // Of the same site, so that the frame is as slow as the page.
  await page.goto(at('127.0.0.1', { key: 'here' }));
  await launcher(page).waitFor();
  await client.send('Network.enable');
  await client.send('Network.emulateNetworkConditions', { offline: false, latency: 400, downloadThroughput: 50_000, uploadThroughput: 50_000 });
  await client.send('Emulation.setCPUThrottlingRate', { rate: 4 });
  const took = await page.evaluate(() => new Promise(done => {
    const begun = performance.now();
    kefu('on', 'ready', () => done(performance.now() - begun));
    kefu('open');
  }));
  console.log('slow, through the line', took);
  return took;
}));

test('nothing complained', () => browser.nothingComplained());
