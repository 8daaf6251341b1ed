// The one line on the customer's page: a button, and the chat in a frame once somebody wants it. Nothing is asked for, stored
// or moved before, and nothing is made that only an open chat needs: each kind of element, sheet or listener costs a page that
// has none of it yet. `site` comes from the server behind this file: { key, look: {…}, texts: { lang: […] } }.
// Where the owner has said which address the server has, the line may also stand in a file of the page's own.
const script = document.currentScript, own = script?.dataset || {}, base = site.base || (script?.src || location.href).split('/', 3).join('/');
const root = document.documentElement, KEPT = `kefu ${site.key}`, TAB = 'sessionStorage';
const lang = /^zh/i.test(/^(auto)?$/.test(own.lang || '') ? root.lang || navigator.language : own.lang) ? 'zh-CN' : 'en';
const [title, failed, link, many, retry, fold, label = title] = site.texts[lang], look = { ...site.look, ...own, color: site.look.color, ink: site.look.ink || '#fff' };
const listeners = {}, forFrame = [], wanted = {};
let host, shadow, button, badge, frame, panel, phone, view, port, slow, unread = 0, open = false, recalled = false, hadFocus, overflow, stilled, back;

function tell(event, detail) {
  // One that throws keeps it from nobody.
  for (const act of listeners[event] || []) queueMicrotask(() => act(detail));
}

const make = (name, attributes = {}, ...inside) => {
  const element = document.createElement(name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...inside);
  return element;
};
function press(words, act) {
  const button = make('button', { type: 'button' }, words);
  button.addEventListener('click', act);
  return button;
}

function dress(css) {
  // A sheet made by script passes a policy that forbids inline styles.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(css);
    shadow.adoptedStyleSheets = [...shadow.adoptedStyleSheets, sheet];
  } catch { shadow.append(make('style', {}, css)); }
}

const length = pixels => Math.min(+(pixels ?? 20), 400) || 0, side = look.position === 'left' ? 'left' : 'right';
function draw() {
  host = make('kefu-chat');
  shadow = host.attachShadow({ mode: 'open' });
  dress(`:host{all:initial!important}
i{--x:${length(look.offsetX)}px;--y:calc(${length(look.offsetY)}px + env(safe-area-inset-bottom));position:fixed;z-index:${+look.zIndex || 2e9};${side}:var(--x);bottom:var(--y);font:500 16px/1 system-ui,sans-serif}
[hidden]{display:none!important}
button{display:flex;align-items:center;gap:8px;position:relative;height:56px;min-width:56px;padding:0 16px;border:0;border-radius:28px;background:${look.color};color:${look.ink};font:inherit;box-shadow:0 6px 24px #0003;cursor:pointer}
button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px ${look.color}}
i>button:before{content:"";width:16px;height:16px;margin:2px;border:2px solid;border-radius:9px 9px 9px 2px}
@media print{i{display:none}}`);
  button = press(label, () => api.toggle());
  button.setAttribute('aria-expanded', false);
  button.hidden = look.launcher === 'off';
  shadow.append(make('i', {}, button));
  // A page that goes on by another body in the place of this one, or by other things in it, keeps the chat.
  const watch = new MutationObserver(stay);
  function stay() {
    if (host.isConnected || !document.body) return;
    port = null;
    document.body.append(host);
    for (const place of [root, document.body]) watch.observe(place, { childList: true });
  }
  stay();
}

// Before the first opening.
function furnish() {
  const dark = look.theme === 'dark', auto = look.theme !== 'light' && !dark;
  const night = '--bg:#121A18;--line:#2A3633;--bad:#F0A392';
  dress(`i{${dark ? night : '--bg:#FBFCFA;--line:#DDE3E0;--bad:#B3361F'};--h:max(320px,min(640px,100vh - 88px - var(--y)))}
${auto ? `@media(prefers-color-scheme:dark){i{${night}}}` : ''}
b{position:absolute;top:-4px;right:-4px;padding:4px 8px;border-radius:12px;background:#B3361F;color:#fff;font-size:13px;text-align:center}
section{position:fixed;bottom:min(68px + var(--y),100vh - 20px - var(--h));${side}:min(var(--x),100vw - 404px);width:384px;height:var(--h);overflow:hidden;border-radius:16px;background:var(--bg);box-shadow:0 0 0 1px var(--line),0 12px 40px #0003}
section:before{content:"…";position:absolute;inset:45% 0;color:#888;font-size:48px;text-align:center}
iframe{display:block;position:relative;width:100%;height:100%;border:0}
p{display:grid;place-content:center;justify-items:center;gap:20px;position:absolute;inset:0;margin:0;padding:24px;background:var(--bg);color:var(--bad);text-align:center}
a{color:inherit}
@media(max-width:600px){section{inset:0;width:100%;height:100%;border-radius:0}.full>button{display:none}}`);
  badge = make('b', { hidden: '', role: 'img' });
  button.append(badge);
  button.setAttribute('aria-controls', 'chat');
  panel = make('section', { id: 'chat', hidden: '', 'aria-label': title });
  button.before(panel);
  shadow.addEventListener('keydown', event => { if (event.key === 'Escape' && open) api.close(); });
  phone = matchMedia('(max-width:600px)');
  phone.addEventListener('change', () => cover(open && phone.matches));
  addEventListener('popstate', () => {
    // Opened again before the step back of its end was taken.
    if (stilled) back ? enter() : leaves() || api.close();
    back = 0;
  });
  // A phone's keyboard covers the page and is unknown to the frame: the chat ends above it.
  view = window.visualViewport;
  view?.addEventListener('resize', fit);
  view?.addEventListener('scroll', fit);
  addEventListener('storage', ({ key, newValue }) => key === KEPT && newValue && send({ is: 'token', token: newValue }));
  // Each page of the frame says that it is there, and gets a line of its own. One that is not shown may never have loaded.
  addEventListener('message', ({ source, data }) => source === frame.contentWindow && data?.kf === 1 && connect());
}

function name() {
  // Where it covers the screen the frame has a button of its own, once it is there.
  panel.parentNode.className = open && port ? 'full' : '';
  badge.hidden = !unread;
  badge.textContent = unread > 99 ? '99+' : unread;
  badge.setAttribute('aria-label', many.replace('%', unread));
  button.setAttribute('aria-expanded', open);
}

function load() {
  panel || furnish();
  wanted.forget ||= left();
  frame = make('iframe', { title, allow: 'clipboard-write', src: `${base}/w/${site.key}?mode=embed&lang=${lang}`, referrerpolicy: own.page === 'off' ? 'no-referrer' : 'strict-origin-when-cross-origin' });
  panel.replaceChildren(frame);
  wait();
}
function wait() {
  clearTimeout(slow);
  slow = setTimeout(() => {
    panel.append(make('p', { role: 'alert' }, failed, make('a', { href: `${base}/w/${site.key}`, target: '_blank' }, link), press(retry, load), press(fold, api.close)));
    tell('error', { code: 'unreachable' });
  }, 7e3);
}

// In the browser is kept who the visitor is, in the tab how much they saw of what they talk about. Where nothing can be kept the frame knows them only as
// long as it is open.
function kept(value, name = KEPT, where = 'localStorage') {
  try {
    if (value) window[where][name] = value;
    else if (value === null) delete window[where][name];
    return window[where][name] || null;
  } catch { return null; }
}
const seen = value => kept(value, KEPT, TAB), began = value => kept(value, `${KEPT} began`, TAB), left = value => kept(value, `${KEPT} left`);

// The pages since the chat was first opened, for as long as one follows within a day: a line each, the newest first, of one that tells nothing only when it was;
// and one for each moment up to which the frame has told agents of them.
const pages = line => kept(line && [line, ...(pages() || '').split('\n')].slice(0, 20).join('\n'), `${KEPT} pages`);
function walk(begins) {
  pages(begins || parseInt(pages()) > Date.now() - 864e5 ? [Date.now(), ...own.page === 'off' ? [''] : [location.href, document.title, document.referrer]].join('\t').slice(0, 4e3) : null);
}

function connect() {
  const channel = new MessageChannel();
  port = null;
  channel.port1.onmessage = ({ data }) => {
    if (data?.kf !== 1) return;
    const { is, token } = data;
    if (is === 'ready') {
      port = channel.port1;
      clearTimeout(slow);
      panel.querySelectorAll('p').forEach(alert => alert.remove());
      forFrame.splice(0).forEach(send);
      for (const is in wanted) wanted[is] && send({ is, told: wanted[is] });
      send({ is: open ? 'open' : 'close' });
      name();
      tell('ready');
    } else if (/^(keep|began)$/.test(is) && (token === null || /^kfv_[\w.-]{1,100}$/.test(token))) {
      // Before the first message leaves for this tab alone, and for good once it is known there.
      began(is === 'began' ? token : null);
      is === 'keep' && kept(token);
    } else if (is === 'unread') { unread = +data.n || 0; name(); tell('unread', unread); }
    else if (is === 'close') api.close();
    else if (is === 'told') pages(pages() && data.at);
    else if (is === 'seen') seen(data.seq);
    else if (is === 'wait') wait();
    else if (is === 'done') {
      if (data.of === 'forget') left(null);
      if (wanted[data.of] === data.told) delete wanted[data.of];
    }
    else if (is === 'message' || is === 'error') tell(is, data.detail);
  };
  // Only our own page is told: whoever else stands in the frame does not get the line.
  frame.contentWindow.postMessage({ kf: 1, is: 'hello', site: site.key, token: kept() || began(), seen: seen(), pages: pages(), wanted }, base, [channel.port2]);
}
function send(message) { port ? port.postMessage({ kf: 1, ...message }) : forFrame.push(message); }
// Told to each page of the frame until one of them has done it.
function want(is, told) { wanted[is] = JSON.stringify(told); port && send({ is, told: wanted[is] }); }

// On a phone the chat is the whole screen: the page behind it stands still, and "back" leaves the chat and not the shop.
function cover(on) {
  if (on === !!stilled) return;
  // What the page itself had stilled stays so.
  const others = stilled || [...document.body.children].filter(other => other !== host && other.tagName !== 'SCRIPT' && !other.inert);
  for (const other of others) other.inert = on;
  stilled = on && others;
  if (on) {
    overflow = root.style.overflow;
    root.style.overflow = 'hidden';
    // A page that was reloaded under the chat stands there already.
    enter();
  } else {
    root.style.overflow = overflow;
    if (leaves()) { back = 1; history.back(); }
  }
  fit();
}
// A zoomed page is left as it is.
function fit() { panel.style.cssText = stilled && view?.scale === 1 ? `top:${view.offsetTop}px;height:${view.height}px` : ''; }
const leaves = () => history.state?.kefu, enter = () => leaves() || history.pushState({ ...history.state, kefu: 1 }, '');

const api = {
  open() {
    if (open) return;
    open = true;
    hadFocus = document.activeElement;
    read();
    walk(1);
    if (frame) { send({ is: 'pages', pages: pages() }); send({ is: 'open' }); } else load();
    panel.hidden = false;
    cover(phone.matches);
    name();
    frame.focus();
    tell('open');
  },
  close() {
    if (!open) return;
    open = false;
    panel.hidden = true;
    send({ is: 'close' });
    cover(false);
    name();
    (button.hidden && hadFocus || button).focus();
    tell('close');
  },
  toggle() { open ? api.close() : api.open(); },
  show() { button.hidden = false; },
  hide() { button.hidden = true; },
  prefill(text) { send({ is: 'prefill', text: String(text) }); },
  card(told) { want('card', told); },
  identify(told) { want('identify', told); },
  on(event, act) { (listeners[event] ||= []).push(act); },
  shutdown() {
    delete wanted.identify;
    want('forget', kept() || began());
    // Should the page be left before that is done, as by a link that signs out, the next one does it.
    left(wanted.forget);
    began(null);
    kept(null);
    pages(null);
    read();
    api.close();
    // The frame ends it, and takes the cookie away, which nobody else sees.
    frame || load();
    name();
  },
};
function read() { if (unread) tell('unread', unread = 0); }
const call = (command, ...rest) => api[command] ? api[command](...rest) : console.error(`kefu: there is no ${command}`);

function begin() {
  // A page that brings the line twice gets one chat.
  if (window.kefu?.ready) return;
  const queue = window.kefu?.q || [];
  draw();
  window.kefu = call;
  call.ready = true;
  // One that throws keeps none of the others.
  for (const words of queue) queueMicrotask(() => call(...words));
  document.addEventListener('click', event => {
    recall();
    const element = event.target.closest?.('[data-kefu-open]');
    if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    api.open();
  });
  if (own.open === 'true') api.open();
  else if (document.hidden) document.addEventListener('visibilitychange', later, { once: true });
  else later();
}
// Who talks is told of answers on the shop's next page, too, and agents of that page. To learn who that is takes a look into a storage, a third of all the time that is
// taken here: of whoever comes from elsewhere, and has hardly anything to be told of, it waits for the first click.
function later() {
  if (document.referrer.startsWith(location.origin) || performance.getEntriesByType('navigation')[0]?.type !== 'navigate') setTimeout(recall, 1e3);
}
function recall() {
  if (recalled) return;
  recalled = true;
  frame || walk();
  (pages() && (seen() || began()) || left()) && (frame || load());
}
document.body ? begin() : addEventListener('DOMContentLoaded', begin);
