// An agent is told: by title, icon, tones and notifications, by one of her tabs however many there are, and not when she
// wants quiet. Tones and notifications are counted by a stub, not by ear.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Browser, Server, owner, say, visitor } from './kefu.js';

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

/** A browser that counts what it is asked to sound and show; its tabs are in the background unless said otherwise. */
function stub({ permission = 'granted', locks = true, hidden = true, trusted = true }) {
  window.heard = { tones: [], notes: [] };
  let state = trusted ? 'running' : 'suspended';
  const node = () => ({ connect() {}, gain: { setValueAtTime() {}, linearRampToValueAtTime(to) { if (to) heard.loudest = to; } }, frequency: {} });
  window.AudioContext = class {
    get state() { return state; }
    currentTime = 0;
    destination = {};
    async resume() { if (navigator.userActivation.hasBeenActive) state = 'running'; if (this.onstatechange) this.onstatechange(); }
    createGain() { return node(); }
    createOscillator() { const tone = { ...node(), start() { heard.tones.push(tone.frequency.value); }, stop() {} }; return tone; }
  };
  window.Notification = class {
    static permission = permission;
    static async requestPermission() { Notification.permission = 'granted'; return 'granted'; }
    constructor(title, options) { heard.notes.push({ title, body: options.body, note: this }); }
    close() {}
  };
  if (!locks) Object.defineProperty(navigator, 'locks', { value: undefined });
  window.background = hidden;
  Object.defineProperty(Document.prototype, 'hidden', { get: () => window.background });
  Document.prototype.hasFocus = () => !window.background;
}

async function window_(options = {}) {
  const page = await browser.person({ storageState: await lin.context().storageState(), viewport: { width: 1440, height: 860 } });
  await page.context().addInitScript(stub, options);
  const tab = async (more = {}) => {
    const other = await page.context().newPage();
    await other.addInitScript(stub, { ...options, ...more });
    await other.goto(`${server.url}/desk/c?tab=queue`);
    return other;
  };
  return { page, tab };
}

const heard = page => page.evaluate('({ tones: heard.tones, notes: heard.notes.map(({ title, body }) => ({ title, body })) })');
async function until(ask, wanted) {
  for (let n = 0; n < 200; n++) {
    if (wanted(await ask())) return;
    await new Promise(done => setTimeout(done, 50));
  }
  assert.fail(`in time: ${JSON.stringify(await ask())}`);
}

for (const locks of [true, false]) {
  test(`of ten tabs, all load over HTTP/1.1 and one speaks, ${locks ? 'by a lock' : 'without locks'}`, async () => {
    const { page, tab } = await window_({ locks });
    const tabs = [];
    for (let n = 0; n < 9; n++) tabs.push(await tab());
    // The last one is looked at.
    tabs.push(await tab({ hidden: false }));
    await tabs[9].locator('.rows').waitFor();
    const streams = () => Promise.all(tabs.map(tab => tab.evaluate("document.getElementById('live').hasAttribute('hx-sse:connect')")));
    await until(streams, open => open.filter(Boolean).length === (locks ? 2 : 1) && open[9]);
    await tabs[9].locator('#n-queue').waitFor();

    const vera = await visitor(browser, server, `十个标签页 ${locks}`);
    const all = async () => (await Promise.all(tabs.map(heard)));
    await until(all, heard => heard.some(({ tones }) => tones.length));
    await until(async () => (await tabs[9].locator('.row', { hasText: `十个标签页 ${locks}` }).count()), Boolean);
    const sounds = (await all()).filter(({ tones }) => tones.length), notes = (await all()).flatMap(({ notes }) => notes);
    assert.deepEqual(sounds.map(({ tones }) => tones), [[660, 880]], 'one tone, of one tab');
    assert.equal(notes.length, 1);
    assert.equal(notes[0].body, `十个标签页 ${locks}`);

    // Whoever speaks goes: another takes over, and nothing is told twice.
    const leads = () => Promise.all(tabs.map(tab => tab.evaluate('kf.leads')));
    const first = (await leads()).indexOf(true);
    await tabs.splice(first, 1)[0].close();
    await until(leads, all => all.filter(Boolean).length === 1);
    await say(vera, '还在排队');
    await visitor(browser, server, `又来一位 ${locks}`);
    await until(all, heard => heard.some(({ notes }) => notes.some(({ body }) => body === `又来一位 ${locks}`)));
    const again = (await all()).flatMap(({ notes }) => notes).filter(({ body }) => body === `又来一位 ${locks}`);
    assert.equal(again.length, 1);
    await page.context().close();
  });
}

test('title and icon say that something waits, in a tab without a stream as well', async () => {
  const { page, tab } = await window_({});
  const seen = await tab({ hidden: false }), other = await tab(), third = await tab();
  const icon = page => page.evaluate("document.getElementById('icon').getAttribute('href')");
  const vera = await visitor(browser, server, '标题');
  const row = seen.locator('.row', { hasText: '标题' });
  await row.click();
  await seen.locator('.bar button', { hasText: '接入' }).click();
  await seen.locator('.bar[data-state=open]').waitFor();
  await seen.goto(`${server.url}/desk/settings/notifications`);
  await say(vera, '有人吗');
  for (const page of [seen, other, third]) {
    await until(() => page.title(), title => /^\(\d+\) /.test(title));
    await until(() => icon(page), href => href.includes('icon_dot'));
  }
  await page.context().close();
});

test('the strip asks to be touched until sound and notifications are decided', async () => {
  const { page, tab } = await window_({ trusted: false, permission: 'default', hidden: false });
  const seen = await tab();
  await seen.locator('#mute').waitFor();
  await seen.locator('#mute button').click();
  await seen.locator('#mute').waitFor({ state: 'hidden' });
  await visitor(browser, server, '听得到吗');
  await until(() => heard(seen), ({ tones, notes }) => tones.length === 2 && notes.length === 1);
  // A click on the notification opens what it is about.
  await seen.evaluate('heard.notes[0].note.onclick()');
  await seen.locator('#conv[data-cid] .m', { hasText: '听得到吗' }).waitFor();
  await page.context().close();
});

test('the first click is not lost to the strip that it takes away', async () => {
  const { page, tab } = await window_({ trusted: false, hidden: false });
  const seen = await tab();
  await seen.locator('#mute').waitFor();
  const { x, y, width, height } = await seen.locator('a[data-panel="#filter"]').boundingBox();
  await seen.mouse.move(x + width / 2, y + height / 2);
  await seen.mouse.down();
  // A hand takes some frames for it.
  await seen.evaluate(() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done))));
  await seen.mouse.up();
  await seen.locator('#filter .filter').waitFor();
  await seen.locator('#mute').waitFor({ state: 'hidden' });
  await page.context().close();
});

test('a tab that was touched speaks instead of one that never was', async () => {
  const { page, tab } = await window_({ trusted: false });
  const mute = await tab();
  await until(() => mute.evaluate('kf.leads'), Boolean);
  const touched = await tab({ hidden: false });
  await touched.locator('h1').click();
  await until(() => touched.evaluate('kf.leads'), Boolean);
  await until(() => mute.evaluate('kf.leads'), leads => !leads);
  await visitor(browser, server, '换一个标签页');
  await until(() => heard(touched), ({ tones }) => tones.length === 2);
  assert.deepEqual(await heard(mute), { tones: [], notes: [] });
  await page.context().close();
});

test('quiet hours are quiet, what is not wanted is not told, and the test button is heard at once', async () => {
  const { page, tab } = await window_({ hidden: false });
  const seen = await tab();
  await seen.goto(`${server.url}/desk/settings/notifications`);
  await seen.locator('[data-told-test]').click();
  await until(() => heard(seen), ({ tones, notes }) => tones.length === 1 && notes.length === 1);
  // Each kind has a tone and a volume of its own, heard as they stand before they are kept.
  await seen.selectOption('#queue-tone', 'chime');
  await seen.fill('#queue-volume', '20');
  const before = (await heard(seen)).tones.length;
  await seen.locator('[data-hear=queue]').click();
  await until(() => heard(seen), ({ tones }) => tones.length === before + 3);
  assert.deepEqual((await heard(seen)).tones.slice(before), [988, 988, 1319]);
  assert.equal(await seen.evaluate('heard.loudest'), .2);
  const at = hours => { const time = new Date(Date.now() + hours * 36e5); return time.toLocaleTimeString('en-GB', { timeZone: 'Asia/Shanghai', hour: '2-digit', minute: '2-digit' }); };
  await seen.fill('#from', at(-1));
  await seen.fill('#to', at(1));
  // A tab that is open already hears of it.
  const other = await tab();
  const quiet = async () => {
    // Anything else would have been told before the test that is asked for now.
    await seen.locator('[data-told-test]').click();
    await until(() => heard(seen), ({ tones, notes }) => tones.length && notes.length);
    const { tones, notes } = await heard(seen);
    assert.deepEqual([tones.length, notes.length, await heard(other)], [1, 1, { tones: [], notes: [] }]);
  };
  await seen.click('.told button.btn-p');
  await seen.locator('.ok').waitFor();
  await visitor(browser, server, '夜里');
  await until(() => other.locator('.row', { hasText: '夜里' }).count(), Boolean);
  await quiet();

  await seen.fill('#from', '');
  await seen.fill('#to', '');
  await seen.uncheck('[name=queue]');
  await seen.click('.told button.btn-p');
  await seen.locator('.ok').waitFor();
  await visitor(browser, server, '不提醒');
  await until(() => other.locator('.row', { hasText: '不提醒' }).count(), Boolean);
  await quiet();
  await seen.check('[name=queue]');
  await seen.click('.told button.btn-p');
  await seen.locator('.ok').waitFor();
  await visitor(browser, server, '三连音');
  const rung = async () => (await Promise.all([seen, other].map(heard))).flatMap(({ tones }) => tones);
  await until(rung, tones => tones.length === 3);
  assert.deepEqual(await rung(), [988, 988, 1319], 'what was chosen, in one tab');
  await seen.selectOption('#queue-tone', 'rise');
  await seen.click('.told button.btn-p');
  await seen.locator('.ok').waitFor();
  await page.context().close();
});

test('the tone comes again while somebody waits', async () => {
  const { page } = await window_({ hidden: false });
  await page.clock.install();
  await page.goto(`${server.url}/desk/c?tab=queue`);
  await visitor(browser, server, '一直等');
  await until(() => heard(page), ({ tones }) => tones.length === 2);
  await page.clock.runFor(31_000);
  await until(() => heard(page), ({ tones }) => tones.length === 4);
  await page.context().close();
});
