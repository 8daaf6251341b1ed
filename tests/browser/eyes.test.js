// People who enlarge everything, spread its letters, or bring colours of their own lose nothing of it.
import { after, afterEach, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { Client } from './client.js';
import { Browser, Server, owner, shot, visitor } from './kefu.js';

const CARD = { title: '青花缠枝莲盖碗 Blue-and-white gaiwan', price: '¥128', id: '8871', detail: '两只装', url: 'https://shop.example/orders/8871' };
const FILE = '发票与报关单-2026-11-22-quarterly-statement-final-version.txt';
let server, browser, lin, vera, windows, work, talk;
before(async () => {
  server = await Server.start();
  browser = await Browser.start();
  lin = await owner(browser, server);
  vera = await visitor(browser, server, '你好，我昨天下的订单 20261122-8871 还没有发货 https://shop.example/orders/20261122-8871?from=mail');
  talk = new URL(vera.url()).pathname;
  await lin.goto(`${server.url}/desk/c?tab=queue`);
  await lin.locator('.row').first().click();
  await lin.locator('.conv .bar button[data-key=a]').click();
  await lin.locator('.bar[data-state=open]').waitFor();
  work = new URL(lin.url()).pathname;
  const [desk, chat] = [await Client.of(server, lin), await Client.of(server, vera)];
  let nonce = 0;
  const post = async (path, fields, who = desk) => {
    const { status } = await who.post(path, fields);
    assert.ok(status < 400, `${path}: ${status}`);
  };
  const says = (fields, who = desk) => post(`${who === desk ? work : talk}/messages`, { nonce: `e${++nonce}`, ...fields }, who);
  const made = (path, fields) => post(`/desk/settings/${path}`, fields);
  await post('/desk/me/profile', { name: '林小雨', language: 'auto', theme: 'auto' });
  await says({ body: '您好，我是林小雨，我查一下，请稍等。', quote: '1' });
  await says({ body: '这位客户上次投诉过物流，麻烦优先处理。', kind: 'note' });
  await says({ card: JSON.stringify(CARD), body: '' }, chat);
  const brought = await chat.bring(`${talk}/files`, FILE, 'paper');
  await says({ file_id: JSON.parse(brought.text).files[0].id, body: '' }, chat);
  await says({ body: '👍' }, chat);
  await says({ body: '说错了' });
  await post(`${work}/m/${nonce + 2}/recall`, { nonce: 'recall' });
  await made('agents', { name: '陈思远', email: 'chen.siyuan@shop.example', role: 'admin' });
  await made('agents', { name: 'Alexandra Konstantinopoulos', email: 'alexandra.konstantinopoulos@customer-care.shop.example', role: 'agent' });
  for (const name of ['退款', '发货', 'Wholesale and large orders']) await made('tags', { name });
  await made('teams', { name: '售后与退换货', member: '1' });
  await made('attributes', { key: 'level', kind: 'choice', label_zh: '会员等级', label_en: 'Level', choices: '普通\n金卡', place: '1' });
  await made('canned-replies/import', { sheet: '短码,标题,内容,使用范围\ntkgz,退款规则,七天内可无理由退款，运费由买家承担。退款会在收到退货后 1–3 个工作日内原路退回。,所有人' });
  for (const [field, value] of [['name', '陈女士'], ['phone', '138 1234 8871'], ['email', 'chen@customer-care.shop.example'], ['a1', '金卡']]) await post(`${work}/side/fields`, { field, value });
  await post(`${work}/side/tags`, { value: '物流' });
  await post(`${work}/side/notes`, { nonce: 'sf', body: '上次投诉过物流，优先安排顺丰发货。' });
  await post('/desk/views', { name: '加急未读', asks: 'tab=all&priority=urgent' });
  await (await visitor(browser, server, 'Is there a way to change the delivery address?', { locale: 'en' })).context().close();
  await post('/desk/c/2/side/block', { reason: '发送广告' });
  await (await visitor(browser, server, '第三位')).context().close();
  await post('/desk/c/2/priority', { nonce: 'p', priority: 'urgent' });
  await post(`${work}/tags`, { nonce: 't', tag: '1' });
  windows = {};
  for (const locale of ['zh-CN', 'en']) for (const [who, person] of Object.entries({ lin, vera, stranger: null })) {
    const storageState = person ? await person.context().storageState() : undefined;
    windows[`${who} ${locale}`] = await browser.person({ storageState, locale, reducedMotion: 'reduce', viewport: ENLARGED.twice });
  }
});
after(async () => {
  await browser.stop();
  await server.stop();
});
afterEach(() => browser.nothingComplained());

/** What is left of 1440 × 900 at 200 %, and of 1280 × 1024 at 400 %. */
const ENLARGED = { twice: { width: 720, height: 450 }, fourfold: { width: 320, height: 256 } };
const SIZES = { phone: { width: 390, height: 844 }, desktop: { width: 1440, height: 860 } };

const open = what => page => page.locator(what).first().click();
const pages = {
  login: ['stranger', () => '/login'],
  welcome: ['stranger', () => '/w/demo'],
  conversation: ['vera', () => talk],
  ending: ['vera', () => `${talk}?end`],
  compose: ['vera', () => `${talk}/compose`],
  bringing: ['vera', () => talk, async page => {
    await page.route('**/files', () => {});
    await page.setInputFiles('.clip input', { name: FILE, mimeType: 'text/plain', buffer: Buffer.from('paper') });
    await page.locator('.file.coming progress').waitFor();
  }],
  note: ['lin', () => `${work}?quote=1`, page => page.locator('[value=note]').check({ force: true })],
  verbs: ['lin', () => work, open('.bar details.menu summary')],
  me_menu: ['lin', () => work, async page => { await page.setViewportSize(SIZES.desktop); await page.locator('.rail summary').click(); }],
  contact: ['lin', () => work, open('.side-open')],
  emoji: ['lin', () => work, async page => { await page.click('#emoji-open'); await page.locator('#emoji button:focus').waitFor(); }],
  canned: ['lin', () => work, async page => { await page.click('#canned-open'); await page.locator('#canned [role=option]').first().waitFor(); }],
  palette: ['lin', () => work, async page => { await page.keyboard.press('Control+k'); await page.locator('#palette [role=option][aria-selected=true]').waitFor(); }],
  filter_open: ['lin', () => '/desk/c?tab=all', async page => { await page.click('a[data-panel="#filter"]'); await page.locator('#filter .filter').waitFor(); }],
  tag_panel: ['lin', () => work, async page => { await page.locator('#conv').focus(); await page.keyboard.press('l'); await page.locator('#act .panel').waitFor(); }],
  side: ['lin', () => `${work}/side`],
  merge: ['lin', () => `${work}/side/merge?with=2`],
  search: ['lin', () => '/desk/search?from=2026-01-01&q=' + encodeURIComponent('订单')],
  filter: ['lin', () => '/desk/filter?tab=all'],
  filtered: ['lin', () => '/desk/c?tab=all&priority=urgent'],
  bulk: ['lin', () => '/desk/bulk?tab=all'],
  pick: ['lin', () => '/desk/c?tab=all&select=1&id=1'],
  transfer: ['lin', () => `${work}/transfer`],
  snooze: ['lin', () => `${work}/snooze`],
  close: ['lin', () => `${work}/close`],
  message: ['lin', () => `${work}/m/3`],
  choose: ['lin', () => `/desk/canned?c=${work.split('/').pop()}`],
  me: ['lin', () => '/desk/me'],
  keys: ['lin', () => '/desk/keys'],
  install: ['lin', () => '/setup/install'],
  ...Object.fromEntries(['agents', 'teams', 'canned-replies', 'canned-replies/1', 'canned-replies/import', 'sites', 'sites/demo', 'sites/demo/identity', 'sites/demo/install', 'attributes', 'blocked', 'file-kinds', 'audit', 'notifications']
    .map(path => [path, ['lin', () => `/desk/settings/${path}`]])),
};

/** Cut short on purpose: each of these is whole elsewhere on the page, or one step away. */
const SHORT = '.row .n, .row .p, .row .who, .conv .bar h1, .bar .chip, .v h1, .doc span, .file span, .re > .quote, .panel > .quote, .replies p, .trail a, .past small, .picks .meta, .palette .more, .over small';
/** Where colours are the reader's own, these have an edge, … */
const EDGED = ['.m:not(.big) > .b', '.note > .b', '.doc', '.file', '.chip', '.badge', '.day', '.av', '.btn', '.inp', '.box', '.comp textarea', '.offer', '.noted li', '.pop', '.over:not([hidden])', '#palette'];
/** … these look otherwise than those beside them, … */
const APART = [
  ['.pick:has(:checked)', '.pick:not(:has(:checked))'], ['.mode :checked + span', '.mode :not(:checked) + span'], ['.list .btn-i.on', '.list .btn-i:not(.on)'],
  ['.note > .b', '.me:not(.note) > .b'], ['mark', '.said'],
];
/** … and these in each of their states. */
const STATES = [
  ...['.row', '.tabs a', '.rail > a', '.places a', '.how a'].map(what => [what, 'aria-current', 'true', null]),
  ['.tools #emoji-open', 'aria-expanded', 'true', 'false'], ['.pop [aria-pressed]', 'aria-pressed', 'true', 'false'],
  ...['#palette', '#canned'].map(list => [`${list} [role=option]`, 'aria-selected', 'true', 'false']),
  ['.pop .dot', 'data-p', 'online', 'busy', 'reconnecting', 'offline'], ['.rail summary .dot', 'data-p', 'online', 'busy', 'offline'],
  ...['.here', '.v .av > i'].map(what => [what, 'data-p', 'online', null]),
];
const LOOKED = [...EDGED.map(one => [one]), ...APART, ...STATES.map(([one]) => [one])];
const met = new Set();

for (const [name, [who, path, act]] of Object.entries(pages)) {
  test(`${name} loses nothing enlarged, spread out, or in colours of one’s own`, async () => {
    await Promise.all(['zh-CN', 'en'].map(async locale => {
      const page = windows[`${who} ${locale}`], url = new URL(path(), server.url), wrong = [];
      const tell = async (how, what) => wrong.push(...(await page.evaluate(`eyes.${what}`)).map(words => `${name} ${locale} ${how}: ${words}`));
      if (who !== 'lin') url.searchParams.set('lang', locale);
      await page.setViewportSize(ENLARGED.twice);
      await page.emulateMedia({ forcedColors: 'none', colorScheme: 'light' });
      const answer = await page.goto(url.href, { waitUntil: 'domcontentloaded' });
      assert.equal(answer.status(), 200, url.href);
      await page.waitForFunction(() => [...document.querySelectorAll('link[rel=stylesheet]')].every(link => link.sheet || !matchMedia(link.media || 'all').matches));
      if (await page.locator('.side').count()) await page.locator('#side-identity').waitFor({ state: 'attached' });
      await page.evaluate("document.querySelectorAll('.fold, .sure').forEach(fold => { fold.open = true })");
      if (act) await act(page);
      await page.evaluate(EYES);
      for (const [size, viewport] of Object.entries(ENLARGED)) {
        await page.setViewportSize(viewport);
        await tell(size, 'outside()');
      }
      for (const [size, viewport] of Object.entries(SIZES)) {
        await page.setViewportSize(viewport);
        await tell(`spread ${size}`, `cut(${JSON.stringify(SHORT)})`);
      }
      for (const colorScheme of ['dark', 'light']) {
        await page.emulateMedia({ forcedColors: 'active', colorScheme });
        for (const one of await page.evaluate(`eyes.meets(${JSON.stringify(LOOKED)})`)) met.add(one);
        await tell(colorScheme, `unseen(${JSON.stringify([EDGED, APART, STATES])})`);
        if (colorScheme === 'dark' && locale === 'en') await shot(page, `forced-${name.replaceAll('/', '-')}`);
      }
      await tell('keys', 'unfocused()');
      assert.deepEqual(wrong, []);
    }));
  });
}

test('whatever should be told apart was there to be seen', () => {
  assert.deepEqual(LOOKED.filter((_, n) => !met.has(n)), []);
});

/** What looks at a page from within. */
const EYES = `(${function () {
  const CONTROLS = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"], [role=option]';
  const look = (el, part) => getComputedStyle(el, part), words = el => (el.textContent || el.getAttribute('aria-label') || el.name || '').trim().replace(/\s+/g, ' ').slice(0, 30);
  const said = el => `${el.localName}${el.id && '#'}${el.id}${[...el.classList].map(name => `.${name}`).join('')} “${words(el)}”`;
  const hidden = el => el.closest('.sr, .stack thead') || !el.checkVisibility({ visibilityProperty: true, opacityProperty: false });
  /** What can be seen now: what lies under a dialog, or under the drawer where that is all of the pane, cannot. */
  function shown(selector) {
    const over = document.querySelector('dialog:modal') ?? (innerWidth <= 760 ? document.querySelector('.side.open') : null);
    return [...document.querySelectorAll(selector)].filter(el => (!over || over.contains(el)) && !hidden(el) && el.getBoundingClientRect().width > 0);
  }
  /** The boxes around something that may hide a part of it, from within. */
  function* around(el) {
    for (let one = el; one && !one.matches('dialog:modal') && look(one).position !== 'fixed';) {
      one = look(one).position === 'absolute' ? one.offsetParent : one.parentElement;
      if (!one || one === document.documentElement || one === document.body && look(one).overflowY === 'visible') return;
      yield one;
    }
  }
  /** The part of a box that those around it let be seen. */
  function seen({ left, right, top, bottom }, ...boxes) {
    for (const one of boxes) {
      const { overflowX, overflowY } = look(one), box = one.getBoundingClientRect();
      if (overflowX !== 'visible') [left, right] = [Math.max(left, box.left), Math.min(right, box.right)];
      if (overflowY !== 'visible') [top, bottom] = [Math.max(top, box.top), Math.min(bottom, box.bottom)];
    }
    return { left, right, top, bottom };
  }
  /** What lies over the rest of a page may cover it. */
  function layer(el) {
    for (let one = el; one; one = one.parentElement) if (one.matches('dialog') || ['fixed', 'sticky'].includes(look(one).position) || look(one).zIndex !== 'auto') return one;
  }
  const isIn = ({ left, right, top, bottom }) => right - left > 1 && bottom - top > 1;
  /** Pairs that lie on one another by more than so much of their height. */
  function heaped(all, much) {
    const found = [];
    all.forEach((a, n) => all.slice(n + 1).forEach(b => {
      const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
      if (wide <= 2 || high <= 2 || high <= much * Math.min(a.bottom - a.top, b.bottom - b.top) || a.layer !== b.layer || a.part === b.part) return;
      if (!a.part.contains(b.part) && !b.part.contains(a.part)) found.push(`${said(a.el)} lies on ${said(b.el)}`);
    }));
    return found;
  }
  const buttons = () => heaped(shown(CONTROLS).map(el => ({ el, part: el, layer: layer(el), ...seen(el.getBoundingClientRect(), ...around(el)) })).filter(isIn), 0);

  /** What is not in the window, and cannot be scrolled there. */
  function outside() {
    const wrong = [], wider = document.documentElement.scrollWidth - innerWidth;
    if (wider > 0) wrong.push(`scrolls ${wider} px sideways`);
    for (const el of shown(CONTROLS)) {
      let { left, right, top, bottom } = el.getBoundingClientRect(), by = '';
      for (const one of around(el)) {
        const { overflowX, overflowY } = look(one), box = one.getBoundingClientRect();
        if (/auto|scroll/.test(overflowY)) {
          if (one.clientHeight < Math.min(bottom - top, 24)) by ||= `seen by ${one.clientHeight} px of ${said(one)}`;
          // What is above or left of where a box begins is out of reach for good.
          if (look(one).flexDirection !== 'column-reverse' && top - box.top + one.scrollTop < -1) by ||= `above ${said(one)}`;
          [top, bottom] = [box.top, box.bottom];
        } else if (overflowY !== 'visible' && (top < box.top - 1 || bottom > box.bottom + 1)) by ||= `cut by ${said(one)}`;
        if (/auto|scroll/.test(overflowX)) {
          if (left - box.left + one.scrollLeft < -1) by ||= `left of ${said(one)}`;
          [left, right] = [box.left, box.right];
        } else if (overflowX !== 'visible' && (left < box.left - 1 || right > box.right + 1)) by ||= `cut by ${said(one)}`;
      }
      if (left < -1 || right > innerWidth + 1) by ||= `from ${left} to ${right} px`;
      const fixed = document.body.matches('.desk') || layer(el)?.matches('dialog');
      if (top < -1 - (fixed ? 0 : scrollY) || fixed && bottom > innerHeight + 1) by ||= `from ${top} to ${bottom} px down`;
      if (by) wrong.push(`${said(el)} ${by}`);
    }
    for (const el of shown('body *')) {
      if (!/auto|scroll/.test(look(el).overflowX) || el.scrollWidth <= el.clientWidth + 1) continue;
      if (!el.matches('textarea, [tabindex]') && !el.querySelector(CONTROLS)) wrong.push(`${said(el)} scrolls, but not by keys`);
    }
    return [...wrong, ...buttons()];
  }

  const sheet = new CSSStyleSheet();
  sheet.replaceSync('* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important } p { margin-bottom: 2em !important }');
  /** What does not fit once its letters are spread. */
  function cut(short) {
    document.adoptedStyleSheets = [sheet];
    const wrong = [], lines = [];
    for (const el of shown('body :not(textarea, input, select, option, svg, svg *, iframe, noscript)')) {
      const { overflowX, overflowY } = look(el);
      if (!el.textContent.trim() || el.matches(short) || el.querySelector(':scope > .side')) continue;
      if (/hidden|clip/.test(overflowX) && el.scrollWidth > el.clientWidth + 1) wrong.push(`${said(el)} shows ${el.clientWidth} of ${el.scrollWidth} px`);
      if (/hidden|clip/.test(overflowY) && el.scrollHeight > el.clientHeight + 1) wrong.push(`${said(el)} shows ${el.clientHeight} of ${el.scrollHeight} px of its height`);
    }
    for (const el of shown('body :not(option, script, noscript)')) {
      const boxes = [el, ...around(el)], holder = el.closest('.btn, .chip, .badge, .av, .b, .doc, .tabs a, td, th, button');
      for (const node of el.childNodes) {
        if (node.nodeType !== Node.TEXT_NODE || !node.data.trim()) continue;
        const range = document.createRange();
        range.selectNodeContents(node);
        for (const rect of range.getClientRects()) {
          const line = { el, part: node, layer: layer(el), ...seen(rect, ...boxes) };
          if (!isIn(line)) continue;
          lines.push(line);
          const box = holder?.getBoundingClientRect();
          if (box && (line.left < box.left - 1 || line.right > box.right + 1 || line.top < box.top - 3 || line.bottom > box.bottom + 3)) wrong.push(`${said(el)} stands out of ${said(holder)}`);
        }
      }
    }
    const all = [...wrong, ...heaped(lines, 1 / 3), ...buttons()];
    document.adoptedStyleSheets = [];
    return all;
  }

  const canvas = () => look(document.documentElement).backgroundColor;
  const isSeen = color => color !== canvas() && !/^rgba.* 0\)$/.test(color);
  const drawn = (el, part) => {
    const style = look(el, part), ring = [style.outlineStyle, style.outlineWidth, style.outlineColor];
    return [...['Top', 'Right', 'Bottom', 'Left'].map(side => ['Style', 'Width', 'Color'].map(what => style[`border${side}${what}`])), ring]
      .map(([kind, width, color]) => kind !== 'none' && width !== '0px' && isSeen(color) ? `${kind} ${width} ${color}` : '');
  };
  const seems = el => [undefined, '::before'].flatMap(part => {
    const { backgroundColor, borderRadius, textDecorationLine, fontWeight } = look(el, part);
    return [...drawn(el, part), isSeen(backgroundColor) && backgroundColor, borderRadius, textDecorationLine, fontWeight];
  }).join();
  const meets = all => [...all.keys()].filter(n => all[n].every(selector => shown(selector).length));
  /** What only a ground told, where grounds are the reader's. */
  function unseen([edged, apart, states]) {
    const wrong = [];
    if (!/^rgb\((0, 0, 0|255, 255, 255)\)$/.test(canvas())) wrong.push(`colours are not forced: ${canvas()}`);
    for (const selector of edged) for (const el of shown(selector)) if (!drawn(el).slice(0, 4).every(Boolean)) wrong.push(`${said(el)} has no edge`);
    for (const [one, other] of apart) {
      const others = new Set(shown(other).map(seems));
      for (const el of shown(one)) if (others.has(seems(el))) wrong.push(`${said(el)} is as ${other}`);
    }
    for (const [selector, name, ...values] of states) for (const el of shown(selector).slice(0, 2)) {
      const set = value => value === null ? el.removeAttribute(name) : el.setAttribute(name, value), now = el.getAttribute(name);
      const all = values.map(value => { set(value); return seems(el); });
      set(now);
      if (new Set(all).size < values.length) wrong.push(`${said(el)} is the same whatever its ${name}`);
    }
    for (const el of shown('svg.i')) if (!isSeen(look(el).stroke) || look(el).stroke === 'none') wrong.push(`no icon in ${said(el.parentElement)}`);
    for (const el of shown('select.inp')) if (look(el).appearance === 'none') wrong.push(`${said(el)} has no arrow`);
    for (const el of shown('progress')) if (look(el).forcedColorAdjust !== 'none') wrong.push(`${said(el)} shows no progress`);
    return wrong;
  }
  /** What looks the same with the focus as without. */
  function unfocused() {
    const wrong = [], at = document.activeElement;
    const ring = el => [el, el.parentElement, el.parentElement.parentElement].map(one => drawn(one)).join();
    for (const el of shown(CONTROLS)) {
      document.activeElement.blur();
      const before = ring(el);
      el.focus({ preventScroll: true, focusVisible: true });
      if (document.activeElement === el && ring(el) === before) wrong.push(`${said(el)} does not show that it has the focus`);
    }
    at.focus();
    return wrong;
  }
  window.eyes = { outside, cut, meets, unseen, unfocused };
}})()`;
