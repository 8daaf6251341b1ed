// Two people talk in real browsers: live, over a killed server, over a lost line, with an input method, without scripts.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { BIN, Browser, OWNER, Server, axe, messages, owner, say, sees, shot, visitor } from './kefu.js';

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

/** Somebody else who works here, made by the command of the same name. */
let hired = false;
async function colleague() {
  const add = ['agent', 'add', '--data-dir', server.folder, '--email', 'eve@shop.example', '--name', '周航', '--password-stdin'];
  if (!hired) execFileSync(BIN, add, { input: OWNER.password, stdio: ['pipe', 'ignore', 'ignore'] });
  hired = true;
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.goto(`${server.url}/login`);
  await page.fill('#email', 'eve@shop.example');
  await page.fill('#password', OWNER.password);
  await page.click('main form button.btn-p');
  await page.waitForURL('**/desk/**');
  return page;
}

/** Lin opens the newest waiting conversation. */
async function lastOfQueue() {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').last().click();
  await lin.locator('#conv[data-cid]').waitFor();
}

test('a question and its answer cross live, with marks, counters and one stream', async () => {
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const vera = await visitor(browser, server, '在吗?');
  const row = lin.locator('.row', { hasText: '在吗?' });
  await row.waitFor();
  await lin.locator('#n-queue', { hasText: '1' }).waitFor();
  await row.click();
  await sees(lin, '在吗?');
  await say(lin, '在的,请讲。');
  await sees(vera, '在的,请讲。');
  await vera.locator('.read').waitFor();
  await say(vera, '谢谢');
  await sees(lin, '谢谢');
  assert.deepEqual(await messages(lin), ['在吗?', '在的,请讲。', '谢谢']);
  assert.deepEqual(await messages(vera), ['在吗?', '在的,请讲。', '谢谢']);
  await lin.locator('#n-mine', { hasText: '1' }).waitFor();
  await lin.locator('.bar button', { hasText: '结束' }).click();
  await lin.locator('.bar[data-state=closed]').waitFor();
  await vera.locator('.sys', { hasText: '结束了会话' }).waitFor();
});

test('what happens elsewhere shows in an open conversation: a colleague takes it', async () => {
  const vera = await visitor(browser, server, '有人吗');
  await lastOfQueue();
  const colleague = await owner(browser, server);
  await colleague.goto(lin.url());
  await colleague.locator('.bar button', { hasText: '接入' }).click();
  await lin.locator('.bar[data-state=open]').waitFor();
  await lin.locator('.sys', { hasText: '已接入会话' }).waitFor();
  await vera.locator('.sys', { hasText: '已接入会话' }).waitFor();
});

test('what a hint tells of is asked for until it is had', async () => {
  const vera = await visitor(browser, server, '听得见吗');
  await lastOfQueue();
  await lin.route('**/messages?**', route => route.fulfill({ status: 503, body: '' }), { times: 1 });
  await say(vera, '没人答应');
  await sees(lin, '没人答应');
  // An answer that is cut after it began.
  await lin.evaluate(() => {
    const really = fetch;
    window.fetch = async (url, ...rest) => {
      const answer = await really(url, ...rest);
      if (!/\/messages\?/.test(url)) return answer;
      window.fetch = really;
      answer.text = () => Promise.reject(new TypeError('network error'));
      return answer;
    };
  });
  await say(vera, '断在半路');
  await sees(lin, '断在半路');
  assert.equal(await lin.evaluate(() => /native/.test(fetch)), true);
});

test('a server killed in the middle of a talk loses nothing and doubles nothing', async () => {
  const vera = await visitor(browser, server, '第 0 句');
  await lastOfQueue();
  const expected = ['第 0 句'];
  for (let round = 1; round <= 3; round++) {
    await say(vera, `第 ${round} 句,之前`);
    await server.down('SIGKILL');
    await say(vera, `第 ${round} 句,其间`);
    await vera.locator('html[data-net=off]').waitFor();
    assert.equal(await vera.locator('.pending, .m .b', { hasText: `第 ${round} 句,其间` }).count() > 0, true, 'what was typed stays in sight');
    if (round === 1) await shot(vera, 'offline-phone-light-zh-CN');
    await server.up();
    await vera.locator('html:not([data-net=off])').waitFor({ timeout: 30_000 });
    await vera.locator('.pending').first().waitFor({ state: 'detached', timeout: 30_000 });
    expected.push(`第 ${round} 句,之前`, `第 ${round} 句,其间`);
    await say(lin, `答 ${round}`);
    await sees(vera, `答 ${round}`);
    expected.push(`答 ${round}`);
  }
  await sees(lin, '第 3 句,其间');
  assert.deepEqual(await messages(vera), expected);
  await vera.reload();
  assert.deepEqual(await messages(vera), expected);
  const ids = await vera.locator('.m').evaluateAll(all => all.map(el => el.id));
  assert.equal(new Set(ids).size, ids.length);
});

test('a line that was lost is told, repaired and nothing is missing', async () => {
  const vera = await visitor(browser, server, '断线之前');
  await lastOfQueue();
  await vera.context().setOffline(true);
  await vera.locator('html[data-net=off]').waitFor();
  await say(lin, '断线时说的第一句');
  await say(lin, '断线时说的第二句');
  await sees(lin, '断线时说的第二句');
  await say(vera, '离线时写的');
  await vera.context().setOffline(false);
  await sees(vera, '断线时说的第二句');
  await sees(lin, '离线时写的');
  await vera.locator('.pending').first().waitFor({ state: 'detached' });
  assert.deepEqual((await messages(vera)).slice().sort(), ['断线之前', '断线时说的第一句', '断线时说的第二句', '离线时写的'].sort());
});

test('the very first connection may fail and the page still comes alive', async () => {
  const vera = await visitor(browser, server, '首连失败');
  let refusals = 0;
  await vera.route('**/events?**', async route => {
    if (refusals++ < 2) await route.fulfill({ status: 502, body: 'bad gateway' });
    else await route.continue();
  });
  await vera.reload();
  await lastOfQueue();
  await say(lin, '还是收到了');
  await sees(vera, '还是收到了');
  assert.ok(refusals > 2);
});

test('answers written while the line is down wait, over a look at another conversation and a reload, and go in order, once', async () => {
  const vera = await visitor(browser, server, '断网时');
  await lastOfQueue();
  const here = lin.url();
  await lin.context().setOffline(true);
  await say(lin, '第一句回复');
  await say(lin, '第二句回复');
  await lin.locator('.pending').nth(1).waitFor();
  await lin.locator('input[name=kind][value=note]').check({ force: true });
  await say(lin, '只给同事');
  await lin.locator('.pending.note').waitFor();
  await lin.context().setOffline(false);
  await server.down('SIGKILL');
  await server.up();
  await lin.goto(here);
  await lin.locator('.pending').first().waitFor({ state: 'detached' });
  await sees(lin, '只给同事');
  assert.deepEqual(await messages(lin), ['断网时', '第一句回复', '第二句回复', '只给同事']);
  await sees(vera, '第二句回复');
  assert.deepEqual(await messages(vera), ['断网时', '第一句回复', '第二句回复']);
  await vera.context().close();
});

test('each side sees that the other is here, and is typing, and that it stopped', async () => {
  const vera = await visitor(browser, server, '在吗');
  await vera.locator('#dot[data-p=online]').waitFor();
  await lastOfQueue();
  const id = await lin.locator('#conv').getAttribute('data-cid');
  await lin.locator('.here[data-p=online]').waitFor();
  await vera.locator('#body').pressSequentially('正在写');
  await lin.locator(`#typing-${id} >> text=正在输入`).waitFor();
  await vera.click('form#f button.btn-p');
  await sees(lin, '正在写');
  await lin.locator(`#typing-${id}:empty`).waitFor({ state: 'attached' });
  await lin.locator('#body').pressSequentially('回复');
  await vera.locator('#typing >> text=林小雨 正在输入').waitFor();
  // Nothing more is typed: forgotten after 6 s.
  await vera.locator('#typing:empty').waitFor({ state: 'attached' });
  await lin.locator('input[name=kind][value=note]').check({ force: true });
  await lin.waitForTimeout(3100);
  const asked = [];
  lin.on('request', request => asked.push(request.url()));
  await lin.locator('#body').pressSequentially('这是备注');
  assert.deepEqual(asked.filter(url => url.endsWith('/typing')), [], 'a note is nobody else\'s business');
  await lin.locator('#body').fill('');
  await vera.context().close();
  // Gone once the line was not taken up again for 8 s.
  await lin.locator('.here:not([data-p])').waitFor();
});

test('an input method ends its word with Enter and sends nothing', async () => {
  const vera = await visitor(browser, server, '输入法', { viewport: { width: 1000, height: 700 } });
  await lastOfQueue();
  for (const [page, words] of [[vera, '访客的中文'], [lin, '客服的中文']]) {
    for (const text of await messages(vera)) await sees(page, text);
    const before = (await messages(page)).length;
    await page.fill('#body', 'zhong');
    // As browsers report the Enter that an input method takes: while composing, and in Safari just after, as 229.
    await page.locator('#body').evaluate(box => {
      box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', keyCode: 229, bubbles: true, cancelable: true }));
      box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', isComposing: true, bubbles: true, cancelable: true }));
    });
    await page.locator('#body').press('Shift+Enter');
    assert.equal(await page.inputValue('#body'), 'zhong\n');
    await page.fill('#body', words);
    await page.locator('#body').press('Enter');
    await sees(page, words);
    assert.equal((await messages(page)).length, before + 1);
  }
});

test('what was refused comes back into the box with its reason', async () => {
  const vera = await visitor(browser, server, '太长');
  await vera.locator('#body').evaluate(box => { box.removeAttribute('maxlength'); });
  const long = '长'.repeat(5001);
  await say(vera, long);
  await vera.locator('#problem', { hasText: '5000' }).waitFor();
  await vera.locator('#body:not(:placeholder-shown)').waitFor();
  assert.equal(await vera.inputValue('#body'), long);
  await say(vera, '短');
  await sees(vera, '短');
  assert.equal(await vera.locator('#problem').textContent(), '');
});

test('a draft survives a look at another conversation and a reload', async () => {
  await visitor(browser, server, '草稿甲');
  await visitor(browser, server, '草稿乙');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row', { hasText: '草稿甲' }).click();
  await sees(lin, '草稿甲');
  let streams = 0;
  lin.on('request', request => { if (request.url().includes('/desk/events')) streams++; });
  await lin.fill('#body', '写到一半');
  await lin.locator('.row', { hasText: '草稿乙' }).click();
  await sees(lin, '草稿乙');
  assert.equal(await lin.inputValue('#body'), '');
  await lin.goBack();
  await sees(lin, '草稿甲');
  assert.equal(await lin.inputValue('#body'), '写到一半');
  assert.equal(streams, 0, 'going from one conversation to another and back keeps the stream');
  await lin.reload();
  assert.equal(await lin.inputValue('#body'), '写到一半');
});

test('Back and Forward lead through three conversations, each as it was left', async () => {
  const words = ['返回一', '返回二', '返回三'], typed = words.map(word => `写给${word}`);
  for (const word of words) await visitor(browser, server, word);
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const places = [];
  for (const [n, word] of words.entries()) {
    await lin.locator('.row', { hasText: word }).click();
    await sees(lin, word);
    places.push(lin.url());
    await lin.fill('#body', typed[n]);
  }
  assert.equal(new Set(places).size, 3);
  const shows = async n => {
    await sees(lin, words[n]);
    assert.equal(lin.url(), places[n]);
    assert.equal(await lin.inputValue('#body'), typed[n]);
    assert.equal(await lin.locator('.row[aria-current]').count(), 1);
    assert.match(await lin.locator('.row[aria-current]').textContent(), new RegExp(words[n]));
  };
  for (const n of [1, 0]) {
    await lin.goBack();
    await shows(n);
  }
  await lin.goBack();
  await lin.locator('#conv[data-cid]').waitFor({ state: 'detached' });
  for (const n of [0, 1, 2]) {
    await lin.goForward();
    await shows(n);
  }
  for (const place of places) {
    await lin.goto(place);
    const kept = lin.waitForResponse(answer => answer.url().endsWith('/draft') && answer.ok());
    await lin.fill('#body', '');
    await kept;
  }
});

test('an answer given meanwhile is shown before a second one is sent', async () => {
  const vera = await visitor(browser, server, '撞车');
  await lastOfQueue();
  const eve = await colleague();
  await eve.goto(lin.url());
  await lin.route('**/messages?**after=**', route => route.abort());
  await say(eve, '我先答了');
  await sees(vera, '我先答了');
  await say(lin, '我也来答');
  const anyway = lin.locator('#problem button', { hasText: '仍然发送' });
  await anyway.waitFor();
  assert.equal(await lin.inputValue('#body'), '我也来答');
  await lin.locator('#problem li', { hasText: '周航 我先答了' }).waitFor();
  assert.deepEqual(await messages(lin), ['撞车', '我先答了'], 'what is new stands in its place');
  await shot(lin, 'clash-desktop-light-zh-CN');
  assert.deepEqual(await axe(lin), []);
  await anyway.click();
  await sees(vera, '我也来答');
  await lin.locator('#body:placeholder-shown').waitFor();
  assert.equal(await lin.locator('#problem').textContent(), '');

  // Given up: the box is empty, and nothing of it is kept.
  await say(eve, '我又答了');
  await sees(vera, '我又答了');
  await say(lin, '还是算了');
  await lin.locator('#problem button', { hasText: '放弃' }).click();
  assert.equal(await lin.inputValue('#body'), '');
  assert.equal(await lin.locator('#problem').textContent(), '');
  await lin.unroute('**/messages?**after=**');
  await lin.reload();
  await sees(lin, '我又答了');
  assert.equal(await lin.inputValue('#body'), '');
  await eve.context().close();
});

test('without scripts the answer that met another one stands on a page with what is new', async () => {
  const vera = await visitor(browser, server, '无脚本撞车');
  await lastOfQueue();
  const { origin, pathname } = new URL(lin.url()), plain = await owner(browser, server, { javaScriptEnabled: false });
  await plain.goto(origin + pathname);
  const eve = await colleague();
  await eve.goto(origin + pathname);
  await say(eve, '同事先答了');
  await sees(vera, '同事先答了');
  await say(plain, '慢了一步');
  await sees(plain, '同事先答了');
  assert.equal(await plain.inputValue('#body'), '慢了一步');
  await shot(plain, 'clash-page-desktop-light-zh-CN');
  await plain.click('main form button.btn-p');
  await sees(plain, '慢了一步');
  await sees(vera, '慢了一步');
  for (const page of [plain, eve]) await page.context().close();
});

test('a refusal of something else stands in no answer\'s way, and goes when its form goes', async () => {
  const vera = await visitor(browser, server, '留下的拒绝');
  await lastOfQueue();
  const eve = await colleague();
  await eve.goto(lin.url());
  await lin.locator('#conv').press('t');
  // Whom she chose does not work here any more.
  const gone = async () => {
    const refused = lin.waitForResponse(answer => /\/transfer\?/.test(answer.url()) && answer.request().method() === 'POST');
    await lin.locator('#to option').last().evaluate(option => { option.value = '999999'; option.selected = true; });
    await lin.locator('.panel button.btn-p').click();
    await refused;
    await lin.locator('#act-e', { hasText: '请选择' }).waitFor();
  };
  await gone();
  await say(eve, '同事的回答');
  await sees(lin, '同事的回答');
  await say(lin, '看过之后的回答');
  await sees(vera, '看过之后的回答');
  await gone();
  await lin.locator('.panel [data-dismiss]').click();
  assert.equal(await lin.locator('#problem').textContent(), '');
  // Nor does an edit, which has a number and stands nowhere.
  await eve.locator('.m', { hasText: '同事的回答' }).locator('.menu-of').evaluate(link => link.click());
  await eve.fill('#again', '同事的好回答');
  await eve.click('#entry-menu button.btn-p');
  await sees(lin, '同事的好回答');
  await say(eve, '还有一句');
  await sees(lin, '还有一句');
  await say(lin, '都看到了');
  await sees(vera, '都看到了');
  await eve.context().close();
});

test('an act that gets no answer says so, what was typed stays, and the next try takes it back', async () => {
  await visitor(browser, server, '断网结束');
  await lastOfQueue();
  await say(lin, '在的');
  await lin.locator('.bar[data-state=open]').waitFor();
  await lin.fill('#body', '写到一半');
  const close = lin.locator('.bar button', { hasText: '结束' }), said = lin.locator('#problem', { hasText: '没有完成' });
  for (const fail of [route => route.abort(), route => route.fulfill({ status: 503, body: '' }), route => route.fulfill({ status: 502, body: '<h1>Bad Gateway</h1>', contentType: 'text/html' })]) {
    await lin.route('**/close?**', fail);
    await close.click();
    await said.waitFor();
    assert.equal(await lin.inputValue('#body'), '写到一半');
    await lin.locator('#problem').evaluate(problem => { problem.textContent = ''; });
    await lin.unroute('**/close?**');
  }
  await lin.route('**/close?**', route => route.abort());
  await close.click();
  await said.waitFor();
  await lin.unroute('**/close?**');
  await close.click();
  await lin.locator('.bar[data-state=closed]').waitFor();
  // The stream may be faster than the answer, which takes the words back.
  await lin.locator('#problem:empty').waitFor({ state: 'attached' });
});

test('a line stands above what is new as long as a conversation is open, also after an act, and is gone the next time', async () => {
  const vera = await visitor(browser, server, '第一问');
  await lastOfQueue();
  const here = new URL(lin.url()).pathname, line = lin.locator('#conv .unread');
  assert.equal(await line.textContent(), '1 条新消息');
  await lin.locator('.bar button', { hasText: '接入' }).click();
  await lin.locator('.bar[data-state=open]').waitFor();
  assert.equal(await line.count(), 1);
  await vera.locator('.read').waitFor();
  await lin.goto(`${server.url}/desk/c?tab=mine`);
  for (const words of ['第二问', '第三问']) {
    await say(vera, words);
    await sees(vera, words);
  }
  await lin.locator('.row', { hasText: '第三问' }).click();
  await lin.locator('#conv .unread', { hasText: '2 条新消息' }).waitFor();
  assert.equal(await line.evaluate(line => line.nextElementSibling.querySelector('.b').textContent.trim()), '第二问');
  await shot(lin, 'unread-desktop-light-zh-CN');
  await say(vera, '第四问');
  await sees(lin, '第四问');
  assert.deepEqual(await line.allTextContents(), ['2 条新消息'], 'what comes while it is open is not counted');
  const last = await vera.locator('.m.me[id]', { hasText: '第四问' }).getAttribute('data-seq');
  await vera.locator(`.read[data-seq="${last}"]`).waitFor();
  await lin.goto(`${server.url}${here}`);
  await sees(lin, '第四问');
  assert.equal(await line.count(), 0);
});

test('older messages come where one scrolls up to them, and what is read stays where it is', async () => {
  const vera = await visitor(browser, server, '第 1 条');
  await vera.evaluate(async () => {
    const { action } = document.getElementById('f');
    for (let n = 2; n <= 120; n++) await fetch(action, { method: 'POST', headers: { 'HX-Request': 'true' }, body: new URLSearchParams({ nonce: `n${n}`, body: `第 ${n} 条` }) });
  });
  await lastOfQueue();
  await vera.reload();
  for (const page of [lin, vera]) {
    for (const next of [21, 1]) {
      const [id, place] = await page.evaluate(() => {
        const pin = document.getElementById('pin'), first = document.querySelector('.msgs .m');
        pin.scrollTop = -pin.scrollHeight;
        return [first.id, first.getBoundingClientRect().top];
      });
      await page.waitForFunction(next => document.querySelector('.msgs > .m').dataset.seq === String(next), next);
      const now = await page.locator('#' + id).evaluate(async el => {
        // Painted once more, as whoever reads sees it.
        await new Promise(resolve => requestAnimationFrame(() => requestAnimationFrame(resolve)));
        return el.getBoundingClientRect().top;
      });
      assert.ok(Math.abs(now - place) <= 2, `it stood at ${place} and stands at ${now}`);
    }
    assert.equal(await page.locator('#older').count(), 0);
    assert.equal((await messages(page)).length, 120);
  }
});

test('an agent sees that a colleague is typing in the conversation, and her name', async () => {
  await visitor(browser, server, '谁来答');
  await lastOfQueue();
  const eve = await colleague();
  await eve.goto(lin.url());
  await eve.locator('#body').pressSequentially('我来');
  await lin.locator('.pin [role=status]', { hasText: '周航 正在输入' }).waitFor();
  assert.equal(await eve.locator('.pin [role=status]').textContent(), '', 'she knows it herself');
  await say(eve, '我来答');
  await sees(lin, '我来答');
  await lin.locator('.pin [role=status]:empty').waitFor({ state: 'attached' });
  await eve.locator('#body').fill('');
  await eve.context().close();
});

test('colleagues see who else has a conversation open, until that one goes on', async () => {
  const vera = await visitor(browser, server, '谁在看'), walt = await visitor(browser, server, '另一件事');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const row = (page, words) => page.locator('.row', { hasText: words });
  await row(lin, '谁在看').locator('.at i').waitFor();
  await row(lin, '谁在看').click();
  await lin.locator('#conv[data-cid]').waitFor();
  const one = lin.url(), eve = await colleague();
  await eve.goto(one);
  await lin.locator('.peek', { hasText: '周航 也在看' }).waitFor();
  await eve.locator('.peek', { hasText: '林小雨 也在看' }).waitFor();
  assert.equal(await row(lin, '谁在看').locator('.viewers').textContent(), '周周航 正在看');
  for (const scheme of ['light', 'dark']) {
    await lin.emulateMedia({ colorScheme: scheme });
    assert.deepEqual(await axe(lin), []);
    await shot(lin, `viewers-${scheme}-zh-CN`);
  }
  await lin.emulateMedia({ colorScheme: 'light' });
  await lin.setViewportSize({ width: 390, height: 844 });
  await lin.locator('.peek', { hasText: '周航 也在看' }).waitFor();
  assert.equal(await lin.evaluate(() => document.documentElement.scrollWidth), 390);
  await lin.waitForFunction(() => document.getAnimations().every(one => one.playState !== 'running'));
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'viewers-phone-zh-CN');
  await lin.setViewportSize({ width: 1440, height: 860 });

  // By what the page asks for anyway.
  const asked = [];
  eve.on('request', request => asked.push(`${request.method()} ${new URL(request.url()).pathname}`));
  await row(eve, '另一件事').click();
  await row(lin, '另一件事').locator('.viewers .av').waitFor();
  await lin.locator('.peek .viewers:empty').waitFor({ state: 'attached' });
  const known = /^GET \/a\/|^GET \/desk\/c\/\d+(\/side|\/messages)?$|^POST \/desk\/c\/\d+\/seen$/;
  assert.deepEqual(asked.filter(line => !known.test(line)), []);
  // Back through the history as well.
  await eve.goBack();
  await lin.locator('.peek', { hasText: '周航 也在看' }).waitFor();
  await eve.goForward();
  await lin.locator('.peek .viewers:empty').waitFor({ state: 'attached' });

  // A line that is taken up again says what stands open then, and not what did when it began.
  await server.down('SIGKILL');
  await server.up();
  const bare = async () => (await lin.request.get(one)).text();
  for (let n = 0; !(await bare()).includes('周航 正在看'); n++) {
    assert.ok(n < 300, 'she does not come back');
    await lin.waitForTimeout(100);
  }
  assert.ok(!(await bare()).includes('周航 也在看'));
  await eve.context().close();
  await row(lin, '另一件事').locator('.viewers:empty').waitFor({ state: 'attached' });
  await vera.context().close();
  await row(lin, '谁在看').locator('.at:empty').waitFor({ state: 'attached' });
  await walt.context().close();
});

test('under a note stands that whoever it calls has read it', async () => {
  await visitor(browser, server, '请人看看');
  await lastOfQueue();
  await lin.locator('input[name=kind][value=note]').check({ force: true });
  await say(lin, '@周航 怎么办？');
  await sees(lin, '怎么办？');
  const eve = await colleague();
  await eve.goto(lin.url());
  await sees(eve, '怎么办？');
  await lin.locator('.seen', { hasText: '周航 已读' }).waitFor();
  const note = lin.locator('.m.note').last(), mark = lin.locator('.seen');
  const [above, below] = await Promise.all([note.locator('.t').boundingBox(), mark.boundingBox()]);
  assert.ok(below.y >= above.y + above.height - 1, 'it stands below the time');
  assert.deepEqual(await axe(lin), []);
  await shot(lin, 'note-read-zh-CN');

  // Whoever is called by a change reads that where the note stands, be it while she looks on or when she comes.
  const place = lin.url().split('?')[0], seq = () => lin.locator('.m.note').last().getAttribute('data-seq');
  const change = async body => {
    const answer = await lin.request.post(`${place}/m/${await seq()}/edit`, { form: { nonce: `change-${await seq()}`, body }, headers: { 'sec-fetch-site': 'same-origin' } });
    assert.ok(answer.ok(), `${answer.status()}`);
  };
  // One that is still on its way has no number yet.
  const stored = words => lin.locator('.m.note[id] .b', { hasText: words }).waitFor();
  const isRead = async () => lin.locator(`.seen[data-seq="${await seq()}"]`, { hasText: '周航 已读' }).waitFor();
  await say(lin, '先不叫人');
  await sees(eve, '先不叫人');
  await stored('先不叫人');
  await change('现在 @周航 来看');
  await isRead();
  await say(lin, '也先不叫人');
  await sees(eve, '也先不叫人');
  await stored('也先不叫人');
  await eve.goto('about:blank');
  await change('还是 @周航 吧');
  await sees(lin, '还是');
  await eve.goto(place);
  await isRead();
  await eve.context().close();
});

test('the title names what is open, however it was opened', async () => {
  const vera = await visitor(browser, server, '标题');
  await visitor(browser, server, '另一个标题');
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  const title = name => lin.waitForFunction(name => document.title.replace(/^\(\d+\) /, '') === (name ? `${name} · 会话 · 青禾商城` : '会话'), name);
  const name = row => row.locator('.n').textContent();
  await title('');
  const [one, two] = [lin.locator('.row', { hasText: '标题' }).first(), lin.locator('.row', { hasText: '另一个标题' })];
  await one.click();
  await title(await name(one));
  await lin.locator('#conv').press('j');
  await title(await name(two));
  await lin.goBack();
  await title(await name(one));
  await lin.locator('#conv').press('u');
  await title('');
  await vera.context().close();
});

test('an answer sent over a hole in the pane does not hide what is missing', async () => {
  const vera = await visitor(browser, server, '第一句');
  await lastOfQueue();
  await sees(lin, '第一句');
  await lin.route('**/messages?**after=**', route => route.abort());
  await say(vera, '没送到的一句');
  await lin.locator('.row', { hasText: '没送到的一句' }).waitFor();
  await say(lin, '回复');
  await sees(vera, '回复');
  await sees(lin, '回复');
  await lin.unroute('**/messages?**after=**');
  await say(vera, '第三句');
  await sees(lin, '第三句');
  assert.deepEqual(await messages(lin), ['第一句', '没送到的一句', '回复', '第三句']);
});

test('the desk on a phone: list, conversation, answer, back', async () => {
  const vera = await visitor(browser, server, '手机上的客服');
  const phone = await owner(browser, server, { viewport: { width: 390, height: 844 }, hasTouch: true, isMobile: true });
  await phone.locator('.row', { hasText: '手机上的客服' }).tap();
  await sees(phone, '手机上的客服');
  assert.equal(await phone.getAttribute('#body', 'placeholder'), '输入回复', 'Enter breaks the line there');
  assert.equal(await phone.locator('.list').isVisible(), false);
  await say(phone, '我在路上');
  await sees(vera, '我在路上');
  await phone.locator('.back').tap();
  await phone.locator('.list').waitFor();
  assert.equal(await phone.locator('.conv').isVisible(), false);
  await phone.context().close();
});

test('the demo shop opens the chat in a frame, and a question asked there is answered there', async () => {
  const shopper = await browser.person({ viewport: { width: 1280, height: 800 } });
  await shopper.goto(`${server.url}/demo`);
  await shopper.locator('kefu-chat button').click();
  const chat = shopper.frameLocator('kefu-chat iframe');
  await chat.locator('#body').fill('盖碗有现货吗？');
  await chat.locator('button.btn-p').click();
  await chat.locator('.m', { hasText: '盖碗有现货吗？' }).waitFor();
  await lastOfQueue();
  await say(lin, '有的，今天就能发。');
  await chat.locator('.m', { hasText: '今天就能发' }).waitFor();
  await shot(shopper, 'demo-open-desktop-light-zh-CN');
  assert.deepEqual(await axe(shopper), []);
  await shopper.reload();
  await shopper.locator('kefu-chat button').click();
  await chat.locator('.m', { hasText: '今天就能发' }).waitFor();
});

test('without scripts the talk is live all the same', async () => {
  const vera = await browser.person({ javaScriptEnabled: false });
  await vera.goto(`${server.url}/w/demo`);
  await vera.fill('#body', '没有脚本也能聊');
  await vera.click('form#f button.btn-p');
  await vera.waitForURL('**/c/**', { waitUntil: 'commit' });
  const live = vera.frameLocator('iframe.full');
  await live.locator('.m', { hasText: '没有脚本也能聊' }).waitFor();
  await lastOfQueue();
  await say(lin, '当然可以');
  await live.locator('.m', { hasText: '当然可以' }).waitFor();
  const composer = live.frameLocator('iframe.cf');
  await composer.locator('#body').fill('第二句');
  await composer.locator('button.btn-p').click();
  await live.locator('.m', { hasText: '第二句' }).waitFor();
  await sees(lin, '第二句');
  await composer.locator('#body:placeholder-shown').waitFor();
  await composer.locator('#body').fill('   ');
  await composer.locator('#body').evaluate(box => box.removeAttribute('required'));
  await composer.locator('button.btn-p').click();
  await composer.locator('.err', { hasText: '请输入内容' }).waitFor();
  await shot(vera, 'noscript-phone-light-zh-CN');
  assert.deepEqual(await live.locator('.m .b').allTextContents(), ['没有脚本也能聊', '当然可以', '第二句']);

  // A document cannot be rewritten: what was changed stands at its end, and what stood before is not seen any more.
  const conversation = await lin.locator('#conv').getAttribute('data-cid');
  const seq = await lin.locator('.m', { hasText: '当然可以' }).getAttribute('data-seq');
  const amend = (verb, body) => lin.request.post(`${server.url}/desk/c/${conversation}/m/${seq}/${verb}`, { form: { nonce: verb, body }, headers: { 'sec-fetch-site': 'same-origin' } });
  const seen = () => live.locator('.m .b').evaluateAll(all => all.filter(one => one.offsetParent).map(one => one.textContent));
  await amend('edit', '明天也可以');
  await live.locator('.m', { hasText: '明天也可以' }).waitFor();
  await live.locator('.sys', { hasText: '修改了' }).waitFor();
  assert.deepEqual(await seen(), ['没有脚本也能聊', '第二句', '明天也可以']);
  await amend('recall', '');
  await live.locator('.sys', { hasText: '撤回了' }).waitFor();
  await live.locator('.gone').waitFor();
  assert.deepEqual(await seen(), ['没有脚本也能聊', '第二句', '此消息已撤回']);
  await shot(vera, 'noscript-changed-phone-light-zh-CN');
  browser.nothingComplained();
});

test('keys alone: sign in, open, answer, close', async () => {
  const vera = await visitor(browser, server, '键盘');
  const page = await browser.person({ viewport: { width: 1440, height: 860 } });
  await page.goto(`${server.url}/login`);
  await page.locator('#email:focus').waitFor();
  await page.keyboard.type('lin@shop.example');
  await page.keyboard.press('Tab');
  await page.locator('#password:focus').waitFor();
  await page.keyboard.type('correct horse battery');
  await page.keyboard.press('Enter');
  await page.waitForURL('**/desk/c**');
  await page.goto(`${server.url}/desk/c?tab=queue`);
  await tabTo(page, '.row:last-of-type');
  await page.keyboard.press('Enter');
  await page.locator('#conv[data-cid]').waitFor();
  await page.locator('#conv:focus').waitFor();
  await tabTo(page, '#body');
  await page.locator('#body:focus').waitFor();
  await page.keyboard.type('用键盘回复');
  await page.keyboard.press('Enter');
  await sees(vera, '用键盘回复');
  await page.locator('.bar[data-state=open]').waitFor();
  await tabTo(page, '.bar button.btn-p', 'Shift+Tab');
  await page.keyboard.press('Enter');
  await vera.locator('.sys', { hasText: '结束了会话' }).waitFor();
  await page.context().close();
});

async function tabTo(page, selector, key = 'Tab') {
  for (let n = 0; n < 80; n++) {
    if (await page.evaluate(`document.activeElement.matches(${JSON.stringify(selector)})`)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${selector} cannot be reached with ${key}`);
}

test('at 320 pixels and 200 % nothing is cut off sideways', async () => {
  const vera = await visitor(browser, server, 'https://shop.example/' + 'a'.repeat(300), { viewport: { width: 320, height: 640 } });
  await vera.evaluate(`document.documentElement.style.fontSize = '200%'`);
  assert.ok(await vera.evaluate('document.documentElement.scrollWidth - innerWidth') <= 0);
  assert.deepEqual(await axe(vera), []);
  browser.complaints.length = 0;
});

test('signing out in one window ends the other', async () => {
  const one = await owner(browser, server);
  const state = await one.context().storageState();
  const twin = await browser.person({ storageState: state, viewport: { width: 1440, height: 860 } });
  await twin.goto(`${server.url}/desk/c?tab=all`);
  await twin.locator('#rows').waitFor();
  await one.goto(`${server.url}/desk/me`);
  await one.locator('main form[action="/logout"] button').click();
  // She has conversations, so she is asked what becomes of them.
  await one.locator('button[value=keep]').click();
  await one.waitForURL('**/login');
  await twin.waitForURL('**/login**');
});
