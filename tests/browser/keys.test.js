// The desk by keyboard alone: take, answer, note, hand over, search and close; nothing happens while one writes or composes, nor by single keys
// where they are switched off.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, axe, leads, messages, owner, sees, shot, visitor } from './kefu.js';

let server, browser, lin;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

const press = async (...keys) => { for (const key of keys) await lin.keyboard.press(key); };
const focus = () => lin.evaluate('document.activeElement.id');
/** What is asked for from here on, but for whole pages; it grows. */
const asks = () => {
  const all = [];
  lin.on('request', request => { if (request.resourceType() !== 'document') all.push(`${request.method()} ${new URL(request.url()).pathname}`); });
  return all;
};

test('a conversation is taken, answered, noted and closed by keys alone', async () => {
  const vera = await visitor(browser, server, '键盘');
  await visitor(browser, server, '第二位');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').nth(1).waitFor();
  await press('j');
  await sees(lin, '键盘');
  await press('j');
  await sees(lin, '第二位');
  await press('k');
  await sees(lin, '键盘');
  await press('Alt+2');
  await sees(lin, '第二位');
  await press('Alt+1');
  await sees(lin, '键盘');
  await press('a');
  await lin.locator('.bar[data-state=open]').waitFor();
  await press('r');
  assert.equal(await focus(), 'body');
  await lin.keyboard.type('nje 您好');
  await press('Enter');
  await sees(vera, 'nje 您好');
  await press('Escape');
  assert.equal(await focus(), 'conv');
  await press('n');
  await lin.locator('[value=note]:checked').waitFor();
  await lin.keyboard.type('老客户');
  await press('Enter');
  await lin.locator('.m.note[id] .b', { hasText: '老客户' }).waitFor();
  assert.deepEqual(await messages(vera), ['键盘', 'nje 您好']);
  await press('Escape', 'Enter');
  assert.equal(await focus(), 'body');
  await press('Escape', 'e');
  await lin.locator('.bar[data-state=closed]').waitFor();
  await press('g', 'q');
  await lin.waitForURL('**/desk/c?tab=queue');
  await press('g', 's');
  await lin.waitForURL('**/desk/settings/**');
  await press('g', 'm');
  await lin.waitForURL('**/desk/c?tab=mine');
});

test('what was said last is amended from the empty box, and one closed leads to the next', async () => {
  for (const words of ['先来的', '后来的']) await visitor(browser, server, words);
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '先来的' }).click();
  await sees(lin, '先来的');
  await press('a');
  await lin.locator('.bar[data-state=open]').waitFor();
  await press('r');
  await lin.keyboard.type('写错了');
  await press('Enter');
  await lin.locator('.m.me[id] .b', { hasText: '写错了' }).waitFor();
  assert.equal(await focus(), 'body');
  await press('ArrowUp');
  await lin.locator('#again:focus').waitFor();
  await press('Control+a');
  await lin.keyboard.type('改好了');
  await press('Tab', 'Enter');
  await lin.locator('.m.me .b', { hasText: '改好了' }).waitFor();
  await lin.locator('#entry-menu .panel').waitFor({ state: 'detached' });
  await lin.goto(`${server.url}/desk/c?tab=all`);
  const row = words => lin.locator('.row', { hasText: words });
  await row('改好了').click();
  await sees(lin, '改好了');
  const ids = await lin.locator('.row').evaluateAll(rows => rows.map(row => row.id)), at = ids.indexOf(await row('改好了').getAttribute('id'));
  const next = ids[at + 1] ?? ids[at - 1];
  await press('Control+Shift+E');
  await lin.waitForFunction(next => `c-${document.querySelector('#conv[data-cid]').dataset.cid}` === next, next);
  await row('改好了').waitFor({ state: 'detached' });
  await press(']');
  await lin.locator('#conv .side').waitFor({ state: 'hidden' });
  await press(']');
  await lin.locator('#conv .side').waitFor();
  // The button that did it is gone: keys go on from the conversation.
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await row('后来的').click();
  await sees(lin, '后来的');
  await lin.locator('#conv[data-cid]:focus').waitFor();
  await lin.locator('.bar [data-key=a]').focus();
  await press('Enter');
  await lin.locator('.bar[data-state=open]').waitFor();
  await lin.waitForFunction(() => document.activeElement.id === 'conv');
});

test('an act of the palette stays beside the list from which the conversation was opened', async () => {
  await visitor(browser, server, '从面板接入');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '从面板接入' }).click();
  await sees(lin, '从面板接入');
  await press('Control+k');
  await lin.locator('#palette-q:focus').waitFor();
  await lin.keyboard.type('jr');
  await lin.locator('#palette [aria-selected=true]', { hasText: '接入' }).waitFor();
  await press('Enter');
  await lin.locator('.bar[data-state=open]').waitFor();
  assert.equal(await lin.locator('.tabs [aria-current]').textContent().then(text => text.replace(/\d+/, '').trim()), '排队');
});

test('a conversation is handed over and found again by keys alone', async () => {
  await lin.request.post(`${server.url}/desk/settings/agents`, { form: { name: '周航', email: 'zhou@shop.example', role: 'agent' }, headers: { 'sec-fetch-site': 'same-origin' } });
  await visitor(browser, server, '转交给同事的一句');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '转交给同事' }).waitFor();
  // Who came last stands last.
  await press(`Alt+${await lin.locator('.row').count()}`);
  await sees(lin, '转交给同事的一句');
  await press('a');
  await lin.locator('.bar[data-state=open]').waitFor();
  await press('t');
  await lin.locator('#to:focus').waitFor();
  while (!(await lin.locator('#to option:checked').textContent()).includes('周航')) await press('ArrowDown');
  await press('Tab');
  assert.equal(await focus(), 'handover');
  await lin.keyboard.type('请你跟进 t/e');
  await press('Tab', 'Enter');
  await lin.locator('.sys', { hasText: '周航' }).waitFor();
  await sees(lin, '请你跟进 t/e');
  await press('/');
  await lin.waitForURL('**/desk/search');
  // What was just said can be found about a second later.
  const end = Date.now() + 30_000;
  do {
    assert.ok(Date.now() < end, 'it is found');
    await lin.locator('#q').focus();
    await press('Control+a');
    await lin.keyboard.type('转交给同事');
    await leads(lin, () => press('Enter'));
  } while (!await lin.locator('.finds a').count());
  while (!await lin.evaluate("document.activeElement.matches('.finds a')")) await press('Tab');
  await press('Enter');
  await sees(lin, '转交给同事的一句');
});

test('the arrows move in the list and Enter opens what has the focus', async () => {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await visitor(browser, server, '箭头');
  const row = lin.locator('.row', { hasText: '箭头' });
  await row.waitFor();
  await row.evaluate(row => document.getElementById(row.id).previousElementSibling.focus());
  await press('ArrowDown');
  assert.equal(await focus(), await row.getAttribute('id'));
  await press('Enter');
  await sees(lin, '箭头');
  await press('[');
  await lin.locator('.list').waitFor({ state: 'hidden' });
  await press('[');
  await lin.locator('.list').waitFor();
});

test('nothing happens while one composes, writes or holds Ctrl', async () => {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '箭头' }).click();
  await sees(lin, '箭头');
  await lin.locator('#conv[data-cid]:focus').waitFor();
  const asked = asks();
  await lin.evaluate(`for (const more of [{ isComposing: true }, { keyCode: 229 }, { ctrlKey: true }, { metaKey: true }])
    document.body.dispatchEvent(new KeyboardEvent('keydown', { key: 'a', bubbles: true, cancelable: true, ...more }))`);
  await press('r');
  await lin.keyboard.type('aej?');
  assert.equal(await lin.inputValue('#body'), 'aej?');
  await lin.fill('#body', '');
  await press('Escape', 'Shift+?');
  await lin.locator('dialog[open]').waitFor();
  await press('a', 'Escape');
  await lin.locator('dialog[open]').waitFor({ state: 'detached' });
  // And then it does, once.
  await press('a');
  await lin.locator('.bar[data-state=open]').waitFor();
  const [claims, dialogs] = [/^POST .*\/claim$/, /^GET \/desk\/keys$/].map(what => asked.filter(one => what.test(one)));
  assert.deepEqual([claims.length, dialogs.length], [1, 1], asked.join(', '));
});

test('whoever likes it so sends by Ctrl or ⌘ and Enter, and Enter breaks the line', async () => {
  const like = async key => {
    await lin.goto(`${server.url}/desk/me`);
    await lin.selectOption('#send-key', key);
    await lin.locator('form[action$="/profile"] button').click();
    await lin.waitForURL('**/desk/me?saved=1');
  };
  const vera = await visitor(browser, server, '分两行写');
  await like('ctrl_enter');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '分两行写' }).click();
  await sees(lin, '分两行写');
  await lin.locator('#conv[data-cid]:focus').waitFor();
  assert.match(await lin.getAttribute('#body', 'placeholder'), /Ctrl\+Enter 发送/);
  await press('r');
  await lin.keyboard.type('第一行');
  await press('Enter');
  await lin.keyboard.type('第二行');
  assert.equal(await lin.inputValue('#body'), '第一行\n第二行');
  await lin.evaluate(`document.activeElement.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', ctrlKey: true, isComposing: true, bubbles: true, cancelable: true }))`);
  assert.equal(await lin.inputValue('#body'), '第一行\n第二行', 'it ends a word');
  await press('Control+Enter');
  await sees(vera, '第二行');
  assert.equal(await lin.inputValue('#body'), '');
  await lin.keyboard.type('第三行');
  await press('Meta+Enter');
  await sees(vera, '第三行');
  assert.deepEqual(await messages(vera), ['分两行写', '第一行\n第二行', '第三行']);
  await press('Escape', 'Shift+?');
  const line = lin.locator('dialog[open] tr', { hasText: '在输入框中发送' });
  await line.waitFor();
  assert.equal((await line.locator('td').first().textContent()).trim(), 'Ctrl + Enter  / ⌘ + Enter');
  await like('enter');
});

test('all keys are listed in a dialog, where single ones are switched off', async () => {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await press('?');
  const dialog = lin.locator('dialog[open]');
  await dialog.waitFor();
  await dialog.getByText('接入会话').waitFor();
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'keys-dialog-light-zh-CN');
  await dialog.locator('button', { hasText: '关闭单键快捷键' }).click();
  await dialog.locator('#keys[data-single=off]').waitFor();
  await press('Escape');
  await dialog.waitFor({ state: 'hidden' });
  const asked = asks();
  await press('j', 'Alt+1');
  await lin.locator('#conv[data-cid]').waitFor();
  await press('?');
  await lin.goto(`${server.url}/desk/keys`);
  const [opened, dialogs] = [/^GET \/desk\/c\/\d+$/, /^GET \/desk\/keys$/].map(what => asked.filter(one => what.test(one)));
  assert.deepEqual([opened.length, dialogs.length], [1, 0], asked.join(', '));
  await lin.locator('button', { hasText: '启用单键快捷键' }).click();
  await lin.locator('#keys[data-single=on]').waitFor();
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await press('j');
  await lin.locator('#conv[data-cid]').waitFor();
});

test('the menu of the own state opens and closes by keyboard, and says what was chosen', async () => {
  await lin.goto(`${server.url}/desk/c?tab=mine`);
  await lin.locator('.rail summary').focus();
  await press('Enter');
  await lin.locator('.rail .pop').waitFor();
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'state-menu-light-zh-CN');
  await press('Escape');
  await lin.locator('.rail .pop').waitFor({ state: 'hidden' });
  await press('Enter');
  await lin.locator('.rail .pop button', { hasText: '忙碌' }).click();
  await lin.locator('.rail summary .dot[data-p=busy]').waitFor();
  assert.ok(lin.url().endsWith('/desk/c?tab=mine'));
});
