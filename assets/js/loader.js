// The one line on the customer's page: a button, and the chat in a frame once somebody wants it. Nothing is asked for, stored
// or moved before. `site` comes from the server in front of this file: { key, texts: { lang: {…} }, look: {…} }.
const script = document.currentScript, own = (script && script.dataset) || {}, base = new URL(script ? script.src : location.href).origin;
const queue = (window.kefu && window.kefu.q) || [];
// A page that brings the line twice gets one chat.
if (window.kefu && window.kefu.ready) return;
const root = document.documentElement, KEPT = `kefu ${site.key}`;
const lang = (wish => /^zh/i.test(wish) ? 'zh-CN' : wish ? 'en' : site.lang)(/^(auto)?$/.test(own.lang || '') ? root.lang || navigator.language : own.lang);
const words = site.texts[lang], look = { ...site.look, ...own };
const phone = matchMedia('(max-width: 600px)'), listeners = {}, forFrame = [], wanted = {};
let host, button, badge, frame, panel, port, slow, unread = 0, open = false, hadFocus, overflow;

function tell(event, detail) {
  for (const act of listeners[event] || []) try { act(detail); } catch (error) { setTimeout(() => { throw error; }); }
}

const make = (name, attributes = {}, ...inside) => {
  const element = document.createElementNS(/^(svg|path)$/.test(name) ? 'http://www.w3.org/2000/svg' : 'http://www.w3.org/1999/xhtml', name);
  for (const key in attributes) element.setAttribute(key, attributes[key]);
  element.append(...inside);
  return element;
};

const length = pixels => Math.min(+pixels, 400) || 0;
const style = () => {
  const dark = look.theme === 'dark', auto = look.theme !== 'light' && !dark;
  const colors = (bg, line) => `--bg:${bg};--line:${line}`;
  return `:host{all:initial;${colors(...dark ? ['#121A18', '#2A3633'] : ['#FBFCFA', '#DDE3E0'])};position:fixed;z-index:${+look.zIndex || 2147483000};${look.position === 'left' ? 'left' : 'right'}:${length(look.offsetX)}px;bottom:calc(${length(look.offsetY)}px + env(safe-area-inset-bottom));font:500 16px/1 system-ui,sans-serif}
${auto ? `@media(prefers-color-scheme:dark){:host{${colors('#121A18', '#2A3633')}}}` : ''}
[hidden]{display:none!important}
button{display:flex;align-items:center;gap:8px;position:relative;float:${look.position === 'left' ? 'left' : 'right'};height:56px;min-width:56px;padding:0 16px;border:0;border-radius:28px;background:${look.color};color:${look.ink};font:inherit;box-shadow:0 6px 24px rgba(0,0,0,.22);cursor:pointer}
button:focus-visible{outline:3px solid #fff;box-shadow:0 0 0 6px ${look.color}}
svg{width:24px;height:24px;fill:none;stroke:currentColor;stroke-width:1.75;stroke-linecap:round;stroke-linejoin:round}
b{position:absolute;top:-4px;right:-4px;min-width:22px;box-sizing:border-box;padding:4px 6px;border-radius:11px;background:#B3361F;color:#fff;font-size:13px;text-align:center}
section{position:absolute;bottom:68px;${look.position === 'left' ? 'left' : 'right'}:0;width:384px;height:min(640px,calc(100vh - 108px));overflow:hidden;border-radius:16px;background:var(--bg);box-shadow:0 0 0 1px var(--line),0 12px 40px rgba(0,0,0,.2)}
iframe{display:block;width:100%;height:100%;border:0}
p{position:absolute;inset:0;margin:auto;height:fit-content;padding:24px;color:#B3361F;line-height:1.6;text-align:center}
a{color:inherit}
@media(max-width:600px){section{position:fixed;inset:0;width:100%;height:100%;border-radius:0}.full button{display:none}}`;
};

function draw() {
  host = make('kefu-chat');
  const shadow = host.attachShadow({ mode: 'open' });
  // A sheet made by script passes a policy that forbids inline styles.
  try {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(style());
    shadow.adoptedStyleSheets = [sheet];
  } catch { shadow.append(make('style', {}, style())); }
  badge = make('b', { hidden: '', role: 'img' });
  button = make('button', { type: 'button', 'aria-expanded': 'false', 'aria-controls': 'chat' },
    make('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' }, make('path', { d: 'M7.9 20A9 9 0 1 0 4 16.1L2 22Z' })), words.label || words.title, badge);
  button.addEventListener('click', () => api.toggle());
  panel = make('section', { id: 'chat', hidden: '', 'aria-label': words.title });
  shadow.append(make('div', {}, panel, button));
  shadow.addEventListener('keydown', event => { if (event.key === 'Escape' && open) api.close(); });
  button.hidden = look.launcher === 'off';
  name();
  document.body.append(host);
}

function name() {
  // Where it covers the screen the frame has a button of its own, once it is there.
  panel.parentNode.className = open && port ? 'full' : '';
  badge.hidden = !unread;
  badge.textContent = unread > 99 ? '99+' : unread;
  badge.setAttribute('aria-label', words.unread.replace('%', unread));
  button.setAttribute('aria-expanded', open);
}

function load() {
  frame = make('iframe', { title: words.title, allow: 'clipboard-write', src: `${base}/w/${site.key}?mode=embed&lang=${lang}` });
  panel.replaceChildren(frame);
  wait();
}
function wait() {
  clearTimeout(slow);
  slow = setTimeout(() => {
    panel.append(make('p', { role: 'alert' }, words.failed, ' ', make('a', { href: `${base}/w/${site.key}`, target: '_blank', rel: 'noopener' }, words.link)));
    tell('error', { code: 'unreachable' });
  }, 8000);
}

// Where nothing can be kept the frame knows this visitor only as long as it is open.
function kept() { try { return localStorage.getItem(KEPT); } catch { return null; } }
function keep(token) { try { token ? localStorage.setItem(KEPT, token) : localStorage.removeItem(KEPT); } catch {} }
addEventListener('storage', ({ key, newValue }) => { if (key === KEPT && newValue) send({ is: 'token', token: newValue }); });

// Each page of the frame says that it is there, and gets a line of its own. One that is not shown may never have loaded.
addEventListener('message', ({ source, data }) => { if (frame && source === frame.contentWindow && data && data.kf === 1) connect(); });
function connect() {
  const channel = new MessageChannel();
  port = null;
  channel.port1.onmessage = ({ data }) => {
    if (!data || data.kf !== 1) return;
    if (data.is === 'ready') {
      port = channel.port1;
      clearTimeout(slow);
      for (const alert of panel.querySelectorAll('p')) alert.remove();
      forFrame.splice(0).forEach(send);
      for (const is in wanted) send({ is, told: wanted[is] });
      send({ is: open ? 'open' : 'close' });
      name();
      tell('ready');
    } else if (data.is === 'keep' && (data.token === null || /^kfv_[\w.-]{1,100}$/.test(data.token))) keep(data.token);
    else if (data.is === 'unread') { unread = +data.n || 0; name(); tell('unread', unread); }
    else if (data.is === 'close') api.close();
    else if (data.is === 'wait') wait();
    else if (data.is === 'done') { if (wanted[data.of] === data.told) delete wanted[data.of]; }
    else if (data.is === 'message' || data.is === 'error') tell(data.is, data.detail);
  };
  // Only our own page is told: whoever else stands in the frame does not get the line.
  frame.contentWindow.postMessage({ kf: 1, is: 'hello', site: site.key, token: kept(), page: page(), wanted }, base, [channel.port2]);
}
const page = () => own.page === 'off' ? null : { url: location.href, title: document.title, referrer: document.referrer };
function send(message) { port ? port.postMessage({ kf: 1, ...message }) : forFrame.push(message); }
// Told to each page of the frame until one of them has done it.
function want(is, told) { wanted[is] = JSON.stringify(told); port && send({ is, told: wanted[is] }); }

// On a phone the chat is the whole screen: the page behind it stands still, and "back" leaves the chat and not the shop.
function cover(on) {
  if (on === (overflow !== undefined)) return;
  for (const other of document.body.children) if (other !== host && other.tagName !== 'SCRIPT') other.inert = on;
  if (on) {
    overflow = root.style.overflow;
    root.style.overflow = 'hidden';
    history.pushState({ ...history.state, kefu: 1 }, '');
  } else {
    root.style.overflow = overflow;
    overflow = undefined;
    if (history.state && history.state.kefu) history.back();
  }
}
addEventListener('popstate', () => { if (open && overflow !== undefined && !(history.state && history.state.kefu)) api.close(); });
phone.addEventListener('change', () => cover(open && phone.matches));

const api = {
  open() {
    if (open) return;
    open = true;
    hadFocus = document.activeElement;
    panel.hidden = false;
    unread = 0;
    if (frame) { send({ is: 'page', page: page() }); send({ is: 'open' }); } else load();
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
    (button.hidden && hadFocus ? hadFocus : button).focus();
    tell('close');
  },
  toggle() { open ? api.close() : api.open(); },
  show() { button.hidden = false; },
  hide() { button.hidden = true; },
  prefill(text) { send({ is: 'prefill', text: String(text) }); },
  card(told) { want('card', told); },
  identify(told) { want('identify', told); },
  on(event, act) { (listeners[event] = listeners[event] || []).push(act); },
  shutdown() {
    delete wanted.identify;
    want('forget', kept());
    keep(null);
    unread = 0;
    api.close();
    name();
    // The frame ends it, and takes the cookie away, which nobody else sees.
    frame || load();
  },
};
function call(command, ...rest) {
  if (!Object.hasOwn(api, command)) return console.error(`kefu: there is no ${command}`);
  api[command](...rest);
}

function begin() {
  draw();
  window.kefu = (...words) => call(...words);
  window.kefu.ready = true;
  queue.forEach(words => call(...words));
  if (own.open === 'true') api.open();
}
document.addEventListener('click', event => {
  const element = event.target.closest && event.target.closest('[data-kefu-open]');
  if (!element || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  api.open();
});
document.body ? begin() : addEventListener('DOMContentLoaded', begin);
