// The composer's helpers in a real browser: canned replies by keys, pointer and input method, drafts over a crash, emoji.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { brotliCompressSync } from 'node:zlib';
import { Browser, Server, axe, leads, owner, sees, shot, visitor } from './kefu.js';

let server, browser, lin;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  await write('own', 'hi', '问候', '您好，我是{客服}，请问有什么可以帮您？');
  await write('all', 'tkgz', '退款规则', '七天内可无理由退款。\n运费由买家承担。');
  await write('all', 'fh', '发货时间', '{访客姓名}您好，当天 16:00 前付款，当天发货。');
  await visitor(browser, server, '怎么退款？');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').last().click();
  await lin.locator('#conv[data-cid]').waitFor();
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

async function write(scope, code, title, body) {
  await lin.goto(`${server.url}/desk/settings/canned-replies/new`);
  await lin.fill('#title', title);
  await lin.fill('#short_code', code);
  await lin.selectOption('#scope', scope);
  await lin.fill('#body', body);
  await lin.click('.reply button.btn-p');
  await lin.waitForURL('**saved=1');
}

const value = page => page.inputValue('#body');
const chosen = page => page.locator('#canned [aria-selected=true] b').textContent();
const offers = (page, count) => page.waitForFunction(count => document.querySelectorAll('#canned [role=option]').length === count, count);
/** Waits until the server keeps what is typed. */
// With these words, if any are named: a choice beside them is kept as well.
const kept = (page, words) => page.waitForResponse(answer => answer.url().endsWith('/draft') && answer.ok() && (words === undefined || new URLSearchParams(answer.request().postData()).get('body') === words));

test('a slash opens the replies, keys choose one, and Enter sends it', async () => {
  await lin.fill('#body', '');
  await lin.locator('#body').focus();
  await lin.keyboard.type('/');
  await lin.locator('#canned [role=combobox]:focus').waitFor();
  await offers(lin, 3);
  assert.equal(await chosen(lin), '问候', 'own ones stand first');
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'canned-open');
  await lin.keyboard.press('ArrowDown');
  assert.equal(await lin.locator('#canned [role=combobox]').getAttribute('aria-activedescendant'), await lin.locator('#canned [aria-selected=true]').getAttribute('id'));
  await lin.keyboard.press('ArrowUp');
  await lin.keyboard.press('ArrowUp');
  await lin.keyboard.type('tkgz');
  await offers(lin, 1);
  assert.equal(await chosen(lin), '退款规则');
  await lin.keyboard.press('Enter');
  await lin.locator('#body:focus').waitFor();
  assert.equal(await value(lin), '七天内可无理由退款。\n运费由买家承担。');
  assert.ok(await lin.locator('#canned').isHidden());
  await lin.keyboard.press('Enter');
  await sees(lin, '运费由买家承担');
  assert.equal(await value(lin), '');
});

test('Tab and the pointer choose as well, names are put in, and text around stays', async () => {
  await lin.fill('#body', '稍等\n');
  await lin.locator('#body').focus();
  await lin.keyboard.press('Control+End');
  // Faster than the answer: what is typed counts, not what is shown.
  await lin.keyboard.type('/hi');
  await lin.keyboard.press('Tab');
  await lin.locator('#body:focus').waitFor();
  assert.equal(await value(lin), '稍等\n您好，我是林小雨，请问有什么可以帮您？');
  await lin.click('#canned-open');
  await offers(lin, 3);
  await lin.locator('#canned [role=option]', { hasText: '发货时间' }).click();
  assert.match(await value(lin), /可以帮您？访客您好，当天/);
  // The button closes it again, and so does a look elsewhere.
  await lin.click('#canned-open');
  await lin.click('#canned-open');
  assert.ok(await lin.locator('#canned').isHidden());
  await lin.fill('#body', '');
});

test('@ in a note offers colleagues by name and by initials, keys choose one, and who is not there is only text', async () => {
  for (const [name, email] of [['周航', 'zhou'], ['Alexandra Li', 'alexandra'], ['Al', 'al']]) {
    await lin.context().request.post(`${server.url}/desk/settings/agents`, { form: { name, email: `${email}@shop.example`, role: 'agent' }, headers: { 'sec-fetch-site': 'same-origin' } });
  }
  const list = lin.locator('#callees'), picked = () => list.locator('[aria-selected=true]').textContent();
  const found = count => lin.waitForFunction(count => document.querySelectorAll('#callees [role=option]').length === count, count);
  await lin.fill('#body', '');
  await lin.locator('#body').focus();
  // A visitor reads an answer: nobody is called there.
  await lin.keyboard.type('@');
  assert.ok(await list.isHidden());
  assert.ok(await lin.locator('#note-hint').isHidden());
  await lin.locator('#body').blur();
  await lin.keyboard.press('n');
  await lin.locator('#note-hint').waitFor();
  await lin.fill('#body', 'lin');
  // Nor within an address.
  await lin.keyboard.press('End');
  await lin.keyboard.type('@');
  assert.ok(await list.isHidden());
  await lin.fill('#body', '');
  await lin.keyboard.type('请 @');
  await list.locator('[role=combobox]:focus').waitFor();
  await found(3);
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'callees-open');
  const first = await picked();
  await lin.keyboard.press('ArrowDown');
  assert.notEqual(await picked(), first);
  await lin.keyboard.press('ArrowUp');
  await lin.keyboard.type('zh');
  await found(1);
  await lin.keyboard.press('Enter');
  await lin.locator('#body:focus').waitFor();
  assert.equal(await value(lin), '请 @周航 ');
  // Faster than the answer, by Tab, in another case.
  await lin.keyboard.type('和@alexandra');
  await lin.keyboard.press('Tab');
  await lin.locator('#body:focus').waitFor();
  assert.equal(await value(lin), '请 @周航 和@Alexandra Li ');
  // What is no name goes on as text, and so does what Escape leaves.
  await lin.keyboard.type('@nobody');
  await lin.locator('#body:focus').waitFor();
  assert.ok(await list.isHidden());
  await lin.keyboard.type(' @al');
  await found(2);
  await lin.keyboard.press('Escape');
  assert.equal(await value(lin), '请 @周航 和@Alexandra Li @nobody @al');
  await lin.keyboard.press('Enter');
  await lin.locator('ol.msgs .note .at').nth(2).waitFor();
  const called = await lin.locator('ol.msgs .note .at').allTextContents();
  assert.deepEqual(called, ['@周航', '@Alexandra Li', '@al']);
});

test('an input method writes ＠, searches while a name is composed, and by pointer one is chosen', async () => {
  const client = await lin.context().newCDPSession(lin), list = lin.locator('#callees');
  await lin.locator('[name=kind][value=note]').check({ force: true });
  await lin.locator('#body').focus();
  await client.send('Input.imeSetComposition', { text: '＠', selectionStart: 1, selectionEnd: 1 });
  assert.ok(await list.isHidden(), 'not while it is composed');
  await client.send('Input.insertText', { text: '＠' });
  await list.locator('[role=combobox]:focus').waitFor();
  // A word in the making is no name that nobody has.
  const none = lin.waitForResponse(answer => answer.url().endsWith('/desk/callees?q=qq') && answer.ok());
  await client.send('Input.imeSetComposition', { text: 'qq', selectionStart: 2, selectionEnd: 2 });
  await none;
  await list.locator('[role=status]').waitFor();
  await client.send('Input.imeSetComposition', { text: 'zh', selectionStart: 2, selectionEnd: 2 });
  await list.locator('[role=option]', { hasText: '周航' }).click();
  assert.equal(await value(lin), '@周航 ');
  await lin.fill('#body', '');
  await lin.locator('[name=kind][value=text]').check({ force: true });
});

test('a slash that is meant stays one: Escape gives it back, and within a line it opens nothing', async () => {
  await lin.locator('#body').focus();
  await lin.keyboard.type('/usr');
  await lin.keyboard.press('Escape');
  await lin.locator('#body:focus').waitFor();
  await lin.keyboard.type('/bin 1/2');
  assert.equal(await value(lin), '/usr/bin 1/2');
  assert.ok(await lin.locator('#canned').isHidden());
  await lin.fill('#body', '');
  await lin.keyboard.type('/');
  await lin.locator('#canned [role=combobox]:focus').waitFor();
  await lin.keyboard.press('Backspace');
  assert.equal(await value(lin), '');
  await lin.locator('#body:focus').waitFor();
});

test('an input method writes 、 or ／ and opens the replies, but not within a word; its Enter chooses nothing', async () => {
  const client = await lin.context().newCDPSession(lin);
  for (const sign of ['、', '／']) {
    await lin.fill('#body', '');
    await lin.locator('#body').focus();
    await client.send('Input.imeSetComposition', { text: sign, selectionStart: 1, selectionEnd: 1 });
    assert.ok(await lin.locator('#canned').isHidden(), 'not while it is composed');
    await client.send('Input.insertText', { text: sign });
    await lin.locator('#canned [role=combobox]:focus').waitFor();
    // The letters of a word in the making are searched for; Enter ends the word.
    await client.send('Input.imeSetComposition', { text: 'tkgz', selectionStart: 4, selectionEnd: 4 });
    await offers(lin, 1);
    await lin.locator('#canned [role=combobox]').evaluate(el => el.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true })));
    assert.ok(await lin.locator('#canned').isVisible());
    await client.send('Input.insertText', { text: 'tkgz' });
    await lin.keyboard.press('Enter');
    assert.equal(await value(lin), '七天内可无理由退款。\n运费由买家承担。');
  }
  await lin.fill('#body', '苹果');
  await lin.keyboard.press('End');
  await client.send('Input.insertText', { text: '、' });
  assert.equal(await value(lin), '苹果、');
  assert.ok(await lin.locator('#canned').isHidden());
  await lin.fill('#body', '');
});

test('a draft survives a crash of its tab, is on another device, and ends when it is sent', async () => {
  const place = lin.url();
  // The other tab has nothing to tell any more, which would be newer.
  const emptied = kept(lin, '');
  await lin.fill('#body', '…');
  await lin.fill('#body', '');
  await emptied;
  const tab = await lin.context().newPage();
  await tab.goto(place);
  await tab.locator('input[value=note]').check({ force: true });
  const done = kept(tab, '这位客户很着急，\n先别关 ');
  await tab.fill('#body', '这位客户很着急，\n先别关 ');
  await done;
  const client = await tab.context().newCDPSession(tab);
  const crashed = tab.waitForEvent('crash');
  client.send('Page.crash').catch(() => {});
  await crashed;

  const elsewhere = await browser.person({ storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  await elsewhere.goto(place);
  assert.equal(await value(elsewhere), '这位客户很着急，\n先别关 ');
  assert.ok(await elsewhere.locator('input[value=note]').isChecked());
  await elsewhere.click('form#f button.btn-p:not([type=button])');
  await sees(elsewhere, '先别关');
  await elsewhere.reload();
  assert.equal(await value(elsewhere), '');
  await elsewhere.context().close();
});

test('what was sent while its draft was on its way is a draft no more', async () => {
  const asked = new Promise(asked => lin.route('**/draft', route => new Promise(go => asked(go)).then(() => route.continue()), { times: 1 }));
  await lin.fill('#body', '已经寄出');
  const go = await asked;
  const sent = lin.waitForResponse(answer => answer.url().includes('/messages?') && answer.ok());
  await lin.click('form#f button.btn-p:not([type=button])');
  await sent;
  const ended = kept(lin, ''), late = kept(lin, '已经寄出');
  go();
  await late;
  await ended;
  await lin.reload();
  assert.equal(await value(lin), '');
});

test('a page that was drawn before the server had the last words shows them', async () => {
  // Another address: what is loaded again is filled in by the browser itself.
  const place = `${lin.url()}&again=1`;
  await lin.route(place, async route => {
    const drawn = await route.fetch();
    await saved;
    await route.fulfill({ response: drawn });
  }, { times: 1 });
  // The last words come when the next page was asked for already.
  await lin.evaluate(() => addEventListener('beforeunload', () => {
    const box = document.getElementById('body');
    box.value = '写得比页面快';
    box.dispatchEvent(new Event('input', { bubbles: true }));
    // Saved at once, as before what is swapped.
    document.dispatchEvent(new Event('htmx:before:swap'));
  }));
  const saved = kept(lin, '写得比页面快');
  await lin.goto(place);
  assert.equal(await value(lin), '写得比页面快');
  const ended = kept(lin, '');
  await lin.fill('#body', '');
  await ended;
  await lin.reload();
  assert.equal(await value(lin), '');
});

test('who leaves the page at once loses nothing, and what the tab has not told yet is newer', async () => {
  await lin.reload();
  await lin.fill('#body', '马上');
  const place = lin.url();
  await lin.goto(`${server.url}/desk/me`);
  // What a page sends as it goes is not told to the debugger: the server is asked, as another tab would.
  for (const end = Date.now() + 30_000; !(await (await lin.request.get(place)).text()).includes('马上') && Date.now() < end;);
  await lin.evaluate('sessionStorage.clear()');
  await lin.goto(place);
  assert.equal(await value(lin), '马上');
  // In the page, as what is held here while the page goes would be let through later.
  await lin.evaluate(() => {
    const really = fetch;
    navigator.sendBeacon = () => true;
    window.fetch = (url, ...more) => `${url}`.endsWith('/draft') ? Promise.reject(new TypeError('away')) : really(url, ...more);
  });
  await lin.fill('#body', '马上就好');
  await lin.reload();
  assert.equal(await value(lin), '马上就好');
  const done = kept(lin, '');
  await lin.fill('#body', '');
  await done;
  await lin.reload();
  assert.equal(await value(lin), '');
});

test('a note that the server has not kept comes back as a note', async () => {
  const place = lin.url(), note = () => lin.locator('input[value=note]');
  await lin.locator('input[value=note]').check({ force: true });
  // Signed out meanwhile, say.
  await lin.route('**/draft', route => route.fulfill({ status: 401, body: '' }));
  const refused = lin.waitForResponse('**/draft');
  await lin.fill('#body', '只给同事看');
  await refused;
  await lin.goto(place);
  assert.equal(await value(lin), '只给同事看');
  assert.ok(await note().isChecked());
  await lin.unroute('**/draft');
  // Away for a moment: it is tried again by itself.
  await lin.route('**/draft', route => route.fulfill({ status: 503, body: '' }), { times: 1 });
  const kept = lin.waitForResponse(answer => answer.url().endsWith('/draft') && answer.ok());
  await lin.fill('#body', '只给同事看的');
  await kept;
  // And one that is refused when it is sent.
  const asked = new Promise(asked => lin.route('**/messages?**', route => {
    if (route.request().method() !== 'POST') return route.continue();
    return new Promise(refuse => asked(refuse)).then(() => route.fulfill({ status: 422, contentType: 'text/html', body: '' }));
  }));
  await lin.click('form#f button.btn-p:not([type=button])');
  const refuse = await asked;
  await lin.locator('input[value=text]').check({ force: true });
  refuse();
  await lin.waitForFunction(() => document.getElementById('body').value === '只给同事看的');
  await lin.unroute('**/messages?**');
  assert.ok(await note().isChecked());
  const done = lin.waitForResponse(answer => answer.url().endsWith('/draft') && answer.ok());
  await lin.fill('#body', '');
  await done;
  await lin.locator('input[value=text]').check({ force: true });
});

test('emoji are chosen by keys and by pointer, and weigh at most 20 KB', async () => {
  await lin.fill('#body', '好的');
  await lin.locator('#body').focus();
  await lin.keyboard.press('Home');
  const asked = lin.waitForResponse('**/desk/emoji*');
  await lin.click('#emoji-open');
  const sheet = await (await asked).text();
  const weight = brotliCompressSync(sheet).length;
  await lin.locator('#emoji button:focus').waitFor();
  const count = await lin.locator('#emoji button').count();
  console.log(`emoji: ${count} in ${sheet.length} characters, ${weight} bytes with brotli`);
  assert.ok(weight <= 20_000 && count >= 190 && count <= 260);
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'emoji-open');
  await lin.keyboard.press('ArrowRight');
  await lin.keyboard.press('ArrowDown');
  await lin.keyboard.press('ArrowUp');
  await lin.keyboard.press('Enter');
  assert.equal(await value(lin), '😃好的');
  await lin.locator('#body:focus').waitFor();
  await lin.click('#emoji-open');
  await lin.locator('#emoji button', { hasText: '👍' }).first().click();
  assert.equal(await value(lin), '😃👍好的');
  await lin.click('#emoji-open');
  await lin.keyboard.press('Escape');
  assert.ok(await lin.locator('#emoji').isHidden());
  const done = kept(lin);
  await lin.fill('#body', '');
  await done;
});

test('without scripts a button leads to the replies and back, and what was written stays; there is none for emoji', async () => {
  const page = await browser.person({ javaScriptEnabled: false, storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  await page.goto(lin.url());
  assert.ok(await page.locator('#emoji-open').isHidden());
  assert.ok(await page.locator('#canned-open').isHidden());
  await page.fill('#body', '您好！');
  await page.setInputFiles('form#f [name=file]:not([form])', { name: '规则.txt', mimeType: 'text/plain', buffer: Buffer.from('七天') });
  await shot(page, 'composer-plain');
  await page.click('button[value=canned]');
  await page.fill('#q', 'tuikuan');
  await leads(page, () => page.click('main form .btn'));
  await page.click('.replies a');
  assert.equal(await value(page), '您好！\n七天内可无理由退款。\n运费由买家承担。');
  await page.locator('.file', { hasText: '规则.txt' }).waitFor();
  await page.click('form#f button.btn-p');
  await sees(page, '运费由买家承担');
  await page.context().close();
});

test('a reply is found in the palette and comes where one was writing', async () => {
  await lin.fill('#body', '您好，');
  await lin.locator('#body').focus();
  await lin.keyboard.press('Control+k');
  await lin.locator('#palette[open]').waitFor();
  await lin.keyboard.type('tkgz');
  await lin.locator('[role=option][data-text][aria-selected=true]', { hasText: '退款规则' }).waitFor();
  await shot(lin, 'palette-reply');
  assert.deepEqual(await axe(lin), []);
  const done = kept(lin);
  await lin.keyboard.press('Enter');
  await lin.locator('#palette[open]').waitFor({ state: 'hidden' });
  assert.equal(await value(lin), '您好，七天内可无理由退款。\n运费由买家承担。');
  await lin.locator('#body:focus').waitFor();
  await done;
  // Where nothing can be written it leads to where it is kept.
  await lin.goto(`${server.url}/desk/me`);
  await lin.keyboard.press('Control+k');
  await lin.locator('#palette[open]').waitFor();
  await lin.keyboard.type('tkgz');
  await lin.locator('[role=option][aria-selected=true]', { hasText: '退款规则' }).waitFor();
  await lin.keyboard.press('Enter');
  await lin.waitForURL('**/canned-replies?q=tkgz');
});

test('a sheet is imported as a file, and what is wrong with it is told by line', async () => {
  const page = await browser.person({ storageState: await lin.context().storageState(), viewport: { width: 390, height: 844 } });
  await page.goto(`${server.url}/desk/settings/canned-replies/import`);
  const sheet = text => ({ name: '快捷回复.csv', mimeType: 'text/csv', buffer: Buffer.from(text) });
  await page.setInputFiles('#file', sheet('短码,标题,内容\nyf,运费,满 99 元包邮\n,没有短码,x\n'));
  await page.click('text=导入文件');
  await page.locator('.flaws', { hasText: '3' }).waitFor();
  await shot(page, 'sheet-refused-phone');
  assert.deepEqual(await axe(page), []);
  await page.setInputFiles('#file', sheet('\ufeff短码,标题,内容\nyf,运费,满 99 元包邮\n'));
  await page.click('text=导入文件');
  await page.locator('[role=status]', { hasText: '1' }).waitFor();
  await page.context().close();
});
