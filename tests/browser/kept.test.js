// What an agent writes is not lost: not where it is refused after she went on, nor with what it answers and brings, whatever is
// drawn anew meanwhile.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BIN, Browser, OWNER, Server, owner, say, sees, visitor } from './kefu.js';

let server, browser, lin, eve;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  const add = ['agent', 'add', '--data-dir', server.folder, '--email', 'eve@shop.example', '--name', '周航', '--password-stdin'];
  execFileSync(BIN, add, { input: OWNER.password, stdio: ['pipe', 'ignore', 'ignore'] });
  eve = await browser.person({ viewport: { width: 1440, height: 860 } });
  await eve.goto(`${server.url}/login`);
  await eve.fill('#email', 'eve@shop.example');
  await eve.fill('#password', OWNER.password);
  await eve.click('main form button.btn-p');
  await eve.waitForURL('**/desk/**');
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

const paper = name => ({ name, mimeType: 'text/plain', buffer: Buffer.from(`${name}\n`) });
const choose = (page, ...files) => page.setInputFiles('.clip input', files);
const brought = page => page.locator('#chips .file:not(.coming, .bad) [name=file_id]').first().waitFor({ state: 'attached' });

/** A conversation whose visitor says so, open at the desk; its visitor. */
async function open(words) {
  const vera = await visitor(browser, server, words);
  await lin.goto(`${server.url}/desk/c?tab=all`);
  await go(words);
  return vera;
}
async function go(words) {
  await lin.locator('.row', { hasText: words }).click();
  await lin.locator('ol.msgs .m', { hasText: words }).first().waitFor();
}
const stands = (box, words) => lin.waitForFunction(([box, words]) => document.querySelector(box)?.value === words, [box, words]);
/** Holds what is posted there, once, until it is told to go on. */
async function held(page, path) {
  let on, there;
  const gone = new Promise(done => { on = done; }), asked = new Promise(done => { there = done; });
  await page.route(path, async route => {
    if (route.request().method() !== 'POST') return route.fallback();
    there();
    await gone;
    await route.continue();
  }, { times: 1 });
  return { asked, on };
}

/** Lin answers, and eve, whose answer is there first; lin's is on its way until this is told to let it arrive. */
async function beaten(vera, words, first) {
  const wait = await held(lin, '**/messages?tab=all');
  await eve.goto(lin.url().split('?')[0]);
  await eve.locator('#conv[data-cid]').waitFor();
  await say(lin, words);
  await wait.asked;
  await say(eve, first);
  await sees(vera, first);
  return wait.on;
}

test('an answer that is refused after its writer went on stands where it belongs, with its quote and its file', async () => {
  const other = await visitor(browser, server, '另一位');
  const vera = await open('先问的');
  await lin.goto(`${lin.url().split('?')[0]}?tab=all&quote=1`);
  await lin.locator('.re > .quote').waitFor();
  await choose(lin, paper('报价.txt'));
  await brought(lin);
  const arrive = await beaten(vera, '我的回答', '同事先答了');
  await go('另一位');
  await lin.fill('#body', '写到一半');
  arrive();
  await lin.locator('#problem', { hasText: '另一个会话中有一条消息未能发送' }).waitFor();
  assert.equal(await lin.inputValue('#body'), '写到一半');
  const row = lin.locator('.row', { hasText: '同事先答了' });
  await row.locator('.draft').waitFor();
  await row.click();
  await sees(lin, '同事先答了');
  await stands('#body', '我的回答');
  assert.equal(await lin.locator('.re > .quote').count(), 1);
  assert.equal(await lin.locator('#chips .file', { hasText: '报价.txt' }).count(), 1);
  await lin.locator('#body').press('Enter');
  await sees(vera, '我的回答');
  await vera.locator('#log .m', { hasText: '我的回答' }).locator('.quote').waitFor();
  await vera.locator('#log .m', { hasText: '我的回答' }).locator('text=报价.txt').waitFor();
  // What she was writing meanwhile stands there still, and nothing of it was sent.
  await go('另一位');
  await stands('#body', '写到一半');
  assert.equal(await other.locator('#log .m').count(), 1);
  await lin.fill('#body', '');
});

test('a refused answer does not push out what is being written there, and survives a reload', async () => {
  const vera = await open('两条'), arrive = await beaten(vera, '第一条', '同事插话');
  await lin.fill('#body', '第二条还没写完');
  arrive();
  await lin.locator('.m.fail', { hasText: '第一条' }).waitFor();
  assert.equal(await lin.inputValue('#body'), '第二条还没写完');
  await lin.reload();
  await lin.locator('.m.fail', { hasText: '第一条' }).waitFor();
  assert.equal(await lin.inputValue('#body'), '第二条还没写完');
  await lin.locator('.m.fail .retry').click();
  await sees(vera, '第一条');
  await lin.locator('.m.fail').waitFor({ state: 'detached' });
  await lin.fill('#body', '');
});

test('a refused answer with a file and a quote keeps both over a reload, and goes with them', async () => {
  const vera = await open('什么价');
  await lin.goto(`${lin.url().split('?')[0]}?tab=all&quote=1`);
  await lin.locator('.re > .quote').waitFor();
  await choose(lin, paper('价目.txt'));
  await brought(lin);
  const arrive = await beaten(vera, '价格在这里', '同事先说了');
  arrive();
  await stands('#body', '价格在这里');
  const kept = lin.waitForResponse(answer => answer.url().includes('/draft') && answer.ok());
  await lin.locator('#body').press('End');
  await lin.keyboard.type('。');
  await kept;
  await lin.reload();
  await stands('#body', '价格在这里。');
  assert.deepEqual([await lin.locator('.re > .quote').count(), await lin.locator('#chips .file').count()], [1, 1]);
  await lin.locator('#body').press('Enter');
  const sent = vera.locator('#log .m', { hasText: '价格在这里' });
  await sent.locator('text=价目.txt').waitFor();
  assert.equal(await sent.locator('.quote').count(), 1);
  assert.equal(await sent.count(), 1);
});

test('a file and a quote outlive the page as the words do, and can be taken away then', async () => {
  const vera = await open('什么价');
  await lin.goto(`${lin.url().split('?')[0]}?tab=all&quote=1`);
  await lin.locator('.re > .quote').waitFor();
  await choose(lin, paper('价目.txt'), paper('多余.txt'));
  await lin.locator('#chips [name=file_id]').nth(1).waitFor({ state: 'attached' });
  const kept = lin.waitForResponse(answer => answer.url().includes('/draft') && answer.ok());
  await lin.fill('#body', '价格在这里');
  await kept;
  // The tab dies, and another one comes back to the address.
  const address = lin.url(), again = await lin.context().newPage();
  await again.goto(address);
  assert.equal(await again.inputValue('#body'), '价格在这里');
  assert.equal(await again.locator('.re > .quote').count(), 1);
  await again.locator('#chips .file', { hasText: '多余.txt' }).locator('button').click();
  assert.equal(await again.locator('#chips .file').count(), 1);
  await again.locator('#body').press('Enter');
  const sent = vera.locator('#log .m', { hasText: '价格在这里' });
  await sent.locator('text=价目.txt').waitFor();
  assert.deepEqual([await sent.locator('.quote').count(), await sent.locator('.files > *').count()], [1, 1]);
  assert.doesNotMatch(again.url(), /file=|quote=/, 'what was sent is named no more');
  await again.close();
  // The other one has what was not sent.
  await lin.reload();
  assert.equal(await lin.inputValue('#body'), '');
  assert.deepEqual(await lin.locator('#chips .file span').allTextContents(), ['多余.txt']);
});

test('a message leaves with its file wherever its writer is by then, and to whom it was written', async () => {
  const other = await visitor(browser, server, '后来的'), vera = await open('要文件');
  const wait = await held(lin, '**/files?tab=all');
  await choose(lin, paper('合同.txt'));
  await wait.asked;
  await say(lin, '合同在这里');
  await lin.locator('.m.pending', { hasText: '合同在这里' }).waitFor();
  await go('后来的');
  await say(lin, '您好，后来的');
  wait.on();
  await sees(vera, '合同在这里');
  await vera.locator('#log .m', { hasText: '合同在这里' }).locator('text=合同.txt').waitFor();
  await sees(other, '您好，后来的');
  assert.equal(await other.locator('text=合同.txt').count(), 0);
  await lin.locator('.m.pending, .m.fail').waitFor({ state: 'detached' });
});

test('files and a quote stay with an unsent answer, whatever is drawn anew', async () => {
  await visitor(browser, server, '隔壁的');
  const vera = await open('接入前');
  await choose(lin, paper('截图.txt'));
  await brought(lin);
  await lin.locator('.bar button', { hasText: '接入' }).click();
  await lin.locator('.bar[data-state=open]').waitFor();
  await lin.locator('#chips .file', { hasText: '截图.txt' }).waitFor();
  await lin.goto(`${lin.url().split('?')[0]}?tab=all&quote=1`);
  await lin.locator('.re > .quote').waitFor();
  await choose(lin, paper('再传.txt'));
  await brought(lin);
  await go('隔壁的');
  assert.equal(await lin.locator('#chips .file, .re > .quote').count(), 0);
  await go('接入前');
  await lin.locator('.re > .quote').waitFor();
  await say(lin, '看这个');
  await vera.locator('#log .m', { hasText: '看这个' }).locator('text=再传.txt').waitFor();
  await vera.locator('#log .m', { hasText: '看这个' }).locator('.quote').waitFor();
  assert.equal(await lin.locator('#chips .file, .re > .quote').count(), 0);
});

test('what stands half written in other forms of a conversation comes back with them', async () => {
  await visitor(browser, server, '别的人');
  await open('别处的表单');
  await lin.locator('#side-note').fill('写了一半的备注');
  await lin.locator('#side-identity summary').first().click();
  await lin.locator('#side-name').fill('王');
  await lin.locator('#conv').press('t');
  await lin.locator('#handover').fill('请跟进');
  await go('别的人');
  assert.equal(await lin.locator('#side-note').inputValue(), '');
  await go('别处的表单');
  await stands('#side-note', '写了一半的备注');
  assert.equal(await lin.locator('#side-name').inputValue(), '王');
  await lin.locator('#conv').press('t');
  await stands('#handover', '请跟进');
  // Given up, it is gone, and what was sent does not come again.
  await lin.locator('#act [data-dismiss]').click();
  await lin.locator('#side-notes .add button').click();
  await lin.locator('#side-notes .said', { hasText: '写了一半的备注' }).waitFor();
  assert.equal(await lin.locator('#side-note').inputValue(), '');
  await lin.reload();
  await lin.locator('#side-note').waitFor();
  assert.equal(await lin.locator('#side-note').inputValue(), '');
  await lin.locator('#conv').press('t');
  await lin.locator('#handover').waitFor();
  assert.equal(await lin.locator('#handover').inputValue(), '');
  assert.equal(await lin.locator('#side-name').inputValue(), '王', 'which was not sent yet');
});

test('a file whose line was cut is brought again, and one that failed does not leave without a word', async () => {
  const vera = await open('断线');
  await lin.route('**/files?tab=all', route => route.abort(), { times: 1 });
  await choose(lin, paper('断了.txt'));
  await lin.locator('.file.bad', { hasText: '断了.txt' }).waitFor();
  await say(lin, '先说一句');
  await sees(vera, '先说一句');
  assert.equal(await lin.locator('.file.bad').count(), 1, 'it stands there still');
  await lin.locator('.file.bad button', { hasText: '重发' }).click();
  await brought(lin);
  await lin.locator('form#f button.btn-p').click();
  await vera.locator('#log >> text=断了.txt').waitFor();

  // Sent while it was on its way, and cut: both come back.
  let cut;
  const until = new Promise(done => { cut = done; });
  await lin.route('**/files?tab=all', async route => { await until; await route.abort(); }, { times: 1 });
  await choose(lin, paper('又断.txt'));
  await lin.locator('.file.coming', { hasText: '又断.txt' }).waitFor();
  await say(lin, '带文件的话');
  await lin.locator('.m.pending', { hasText: '带文件的话' }).waitFor();
  cut();
  await lin.locator('.file.bad', { hasText: '又断.txt' }).waitFor();
  assert.equal(await lin.inputValue('#body'), '带文件的话');
  await lin.locator('.file.bad button', { hasText: '重发' }).click();
  await brought(lin);
  await lin.locator('#body').press('Enter');
  await vera.locator('#log .m', { hasText: '带文件的话' }).locator('text=又断.txt').waitFor();
});

test('words that an office program copies stay words, and what is pasted into another box is its own', async () => {
  await open('粘贴');
  const paste = (where, types) => lin.evaluate(([where, types]) => {
    const given = new DataTransfer();
    given.items.add(new File(['x'], 'x.png', { type: 'image/png' }));
    for (const type of types) given.items.add('A1\tB1', type);
    const event = new ClipboardEvent('paste', { clipboardData: given, bubbles: true, cancelable: true });
    document.querySelector(where).dispatchEvent(event);
    return event.defaultPrevented;
  }, [where, types]);
  await lin.locator('#side-note').waitFor();
  assert.equal(await paste('#body', ['text/plain', 'text/html']), false);
  assert.equal(await paste('#side-note', []), false);
  assert.equal(await lin.locator('.file').count(), 0);
  // A file that was copied says its name, too; a picture of a page its markup.
  for (const types of [['text/plain'], ['text/html'], []]) assert.equal(await paste('#body', types), true, types.join());
});
