// In a frame on a customer's page: speaks with the script there (loader.js), and finds a way to know the visitor where the
// browser gives a frame no cookies. Comes with each page in a frame, with the other scripts or behind them.
(() => {
  if (parent === self) return;
  const { fold, offer, cardSend, dismiss } = document.querySelector('script[data-embed]').dataset;
  const root = document.documentElement, log = document.getElementById('log'), form = document.getElementById('f');
  // Outlives a page that is written over this one.
  const kept = window.kefuKept = window.kefuKept || { token: '', noted: 0 };
  let site, home, port, seen, shut = !innerHeight, turn = Promise.resolve();
  const unsaid = [], say = message => { port ? port.postMessage({ kf: 1, ...message }) : unsaid.push(message); };

  addEventListener('message', ({ source, data, ports }) => {
    if (source !== parent || !data || data.kf !== 1 || data.is !== 'hello' || !ports[0]) return;
    [port] = ports;
    seen = data.seen;
    site = `/w/${encodeURIComponent(data.site)}`;
    home = `${site}?mode=embed&lang=${root.lang}`;
    if (window.kf) kf.home = home;
    port.onmessage = event => hear(event.data);
    inTurn(() => arrive(data)).then(gone => {
      if (gone) return;
      note(data.pages);
      [{ is: 'ready' }, ...log ? [] : [{ is: 'seen', seq: null }], ...unsaid.splice(0)].forEach(say);
    });
  });

  // Says nothing but that this page is there: whoever hears it answers only our own.
  parent.postMessage({ kf: 1 }, '*');
  // If what comes next never does, the page outside says so.
  addEventListener('pagehide', () => say({ is: 'wait' }));

  // Whoever signs out and whoever signs in do so one after the other. What fails is asked for again by the page outside.
  const inTurn = act => turn = turn.then(act).catch(() => {});

  // True if another page comes in the place of this one.
  async function arrive({ token, wanted: { forget, identify } = {} }) {
    if (forget) return leave(forget);
    // Known by no cookie, but the page outside remembers: the conversation is asked for under that name.
    const outside = !log && !kept.token && token;
    if (outside) kept.token = outside;
    const met = identify && await meet(identify).catch(() => {});
    return met === undefined && outside ? enter(outside) : met;
  }

  // Goes on where a card went first, also where a frame may keep nothing.
  if (log && form && kept.typed) fill(kept.typed);
  kept.typed = '';
  function fill(text) {
    if (form.elements.body.value) return;
    form.elements.body.value = text.slice(0, 5000);
    form.elements.body.dispatchEvent(new Event('input', { bubbles: true }));
  }

  function hear(message) {
    if (!message || message.kf !== 1) return;
    if (message.is === 'open' || message.is === 'close') {
      shut = message.is === 'close';
      root.toggleAttribute('data-shut', shut);
      if (log) look();
      if (shut) return;
      if (left) inTurn(() => leave(left));
      dispatchEvent(new Event('focus'));
      const box = form && form.elements.body;
      if (box && matchMedia('(pointer: fine)').matches) box.focus();
    } else if (message.is === 'pages') note(message.pages);
    else if (message.is === 'prefill' && form) fill(String(message.text));
    else if (message.is === 'card') show(message.told);
    else if (message.is === 'identify') inTurn(() => meet(message.told));
    // In another tab somebody has spoken: the first word here belongs there, too.
    else if (message.is === 'token' && !log) kept.token = String(message.token);
    else if (message.is === 'forget') inTurn(() => leave(message.told));
  }

  // Where the visitor was and is: agents are told of each page once, as soon as somebody talks. The page outside keeps a line for each, the newest first, and one for
  // each moment up to which they were told (see loader.js); whoever writes there may have written something else.
  async function note(text) {
    const now = Date.now(), lines = String(text || '').split('\n').map(line => line.split('\t')).filter(([at]) => at > now - 864e5 && at <= now);
    const told = Math.max(kept.noted, ...lines.filter(line => line.length === 1).map(([at]) => +at));
    const walk = lines.filter(([, url]) => url && url.length <= 2000).reverse();
    const news = walk.filter(([at, url], n) => at > told && (!n || url !== walk[n - 1][1]));
    if (left || !log || !form || !news.length) return;
    const body = new URLSearchParams(), pages = news.map(([at, url, title = '', referrer = '']) => ({ ago: now - at, url, title: title.slice(0, 200), referrer }));
    // What would be too long to be taken is told without the oldest.
    do body.set('pages', JSON.stringify(pages)); while (`${body}`.length > 6e4 && pages.shift());
    const at = kept.noted = +news[news.length - 1][0];
    const answer = await fetch(form.action.replace(/messages$/, 'pages'), { method: 'POST', body }).catch(error => error);
    if (answer.ok) say({ is: 'told', at });
    // Another time.
    else kept.noted = 0;
  }

  // An order or a product of the page, to be sent with one tap. What it says is written by whoever writes there.
  let strip, offered;
  const element = (name, words, kind) => Object.assign(document.createElement(name), { textContent: words, className: kind || '' });
  function show(json) {
    let card;
    try { card = JSON.parse(json); } catch { /* is none */ }
    if (!form || !card || !card.title) return;
    offered = json;
    const asked = element('section', '', 'offer'), goods = element('span', '', 'goods'), nonce = fresh();
    const send = element('button', cardSend, 'btn btn-p'), not = element('button', dismiss, 'btn');
    send.type = not.type = 'button';
    asked.setAttribute('aria-label', offer);
    goods.append(element('small', offer), element('b', String(card.title)));
    if (card.price) goods.append(element('span', String(card.price), 'price'));
    not.addEventListener('click', chosen);
    send.addEventListener('click', async () => {
      send.disabled = true;
      if (log ? await post(json, nonce) : await begin(json)) chosen();
      send.disabled = false;
    });
    asked.append(goods, send, not);
    if (strip) strip.remove();
    form.before(strip = asked);
  }
  // The page outside need not offer it again.
  function chosen() {
    if (strip) strip.remove();
    say({ is: 'done', of: 'card', told: offered });
  }
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), byte => byte.toString(16).padStart(2, '0')).join('');
  async function post(card, nonce) {
    const problem = document.getElementById('problem');
    try {
      const answer = await fetch(form.action, { method: 'POST', body: new URLSearchParams({ nonce, card }), headers: { 'HX-Request': 'true' } });
      const text = await answer.text();
      problem.textContent = '';
      if (window.htmx) await htmx.swap({ sourceElement: form, target: form, swap: 'none', text });
      else location.reload();
      return answer.ok || answer.status === 422;
    } catch { problem.textContent = form.dataset.fail; }
  }

  const close = document.createElement('button'), cross = document.querySelector('.menu svg');
  close.type = 'button';
  close.className = 'btn btn-i';
  close.setAttribute('aria-label', fold);
  close.append(cross.cloneNode(true));
  close.querySelector('use').setAttribute('href', cross.querySelector('use').getAttribute('href').replace(/#.*/, '#x'));
  close.addEventListener('click', () => say({ is: 'close' }));
  document.querySelector('header').append(close);
  addEventListener('keydown', event => { if (event.key === 'Escape' && !event.defaultPrevented) say({ is: 'close' }); });

  // What came while the chat was shut, also between two pages of the shop: the page outside keeps how much was seen.
  function look() {
    const lines = [...log.querySelectorAll('.m[id]')], last = Math.max(0, ...lines.map(line => +line.dataset.seq));
    if (!shut || !seen) say({ is: 'seen', seq: seen = last });
    const missed = lines.filter(line => !line.classList.contains('me') && +line.dataset.seq > seen).length;
    if (missed) say({ is: 'unread', n: missed });
  }

  if (log) {
    let last = Math.max(0, ...[...log.querySelectorAll('.m[id]')].map(line => +line.dataset.seq));
    new MutationObserver(records => {
      for (const node of records.flatMap(record => [...record.addedNodes])) {
        if (!node.id || !node.matches('.m') || +node.dataset.seq <= last) continue;
        last = +node.dataset.seq;
        const mine = node.classList.contains('me');
        say({ is: 'message', detail: { mine } });
      }
      look();
    }).observe(log, { childList: true });
  }

  // ── who the visitor is, as the page outside says ──

  // Signed: whoever it is, with what they said elsewhere. Else only what is known of them, once they have spoken. True if another
  // page comes in the place of this one, false if this one stays, and nothing if nothing came of it.
  async function meet(told) {
    const person = JSON.parse(told), { jwt = '', id = '', hash = '', attrs, ...said } = typeof person === 'string' ? { jwt: person } : person || {};
    if (left || !log && !jwt && !hash) return;
    const fresh = form && form.elements.visitor ? form.elements.visitor.value : '';
    const fields = { jwt, id, hash, said: JSON.stringify({ attributes: attrs, ...said }), visitor: kept.token || fresh, embed: 1 };
    const answer = await fetch(`${site}/identify`, { method: 'POST', body: new URLSearchParams(fields), headers: { Accept: 'application/json' } });
    // Later, perhaps.
    if (answer.status === 429 || answer.status >= 500) return;
    const met = await answer.json();
    say({ is: 'done', of: 'identify', told });
    if (!answer.ok) return say({ is: 'error', detail: { code: 'identify', message: met.error.message } });
    if (met.left_out.length) console.warn('kefu: identify leaves out', met.left_out);
    if (met.token) {
      const own = await plain(`${site}/identify`), back = own.ok && (await own.json()).visitor === met.visitor;
      kept.token = back ? '' : met.token;
      say({ is: 'keep', token: kept.token || null });
    }
    if (met.moved) wipe();
    return (!log || met.moved) && goHome();
  }

  // To what is theirs, if there is something.
  async function goHome() {
    const answer = await fetch(home);
    if (!log && !answer.redirected) {
      form.dataset.known = '';
      const hint = document.getElementById('unsigned');
      if (hint) hint.remove();
      return false;
    }
    if (!log) carry(form.elements.body.value, new URL(answer.url).pathname);
    if (kept.token) write(await answer.text());
    else replace(answer.url);
    return true;
  }

  // Whoever signed out is known here no more; what they said is covered at once, and stays so until the server has heard of it.
  let left;
  async function leave(told) {
    left = told;
    document.body.hidden = true;
    // The page outside has let go of it already.
    if (!log && !kept.token) kept.token = JSON.parse(told) || '';
    const answer = await fetch(`${site}/forget`, { method: 'POST' }).catch(error => error);
    if (!answer.ok) {
      say({ is: 'error', detail: { code: 'shutdown' } });
      // The page outside offers to try it again.
      say({ is: 'wait' });
      return true;
    }
    kept.token = '';
    wipe();
    say({ is: 'keep', token: null });
    say({ is: 'done', of: 'forget', told });
    replace(home);
    return true;
  }
  function wipe() {
    kept.typed = '';
    try { sessionStorage.clear(); } catch { /* nothing was kept */ }
  }
  function replace(url) {
    say({ is: 'wait' });
    location.replace(url);
  }

  // ── without cookies: each request shows the token, and pages are fetched and written over this one ──

  async function enter(token) {
    kept.token = token;
    const answer = await fetch(location.href), html = await answer.text(), found = answer.redirected && answer.ok;
    if (found) {
      say({ is: 'keep', token });
      write(html);
    } else if (!answer.ok) kept.token = '';
    // One that has ended is of no use any more.
    else if (!/<form[^>]*\sdata-known/.test(html)) say({ is: 'keep', token: kept.token = null });
    return found;
  }

  function write(html) {
    say({ is: 'wait' });
    document.open();
    document.write(html);
    document.close();
  }
  async function go(url, more) {
    try { write(await (await fetch(url, more)).text()); } catch { location.reload(); }
  }

  // The first message: if its answer leaves a cookie that opens the conversation, all is as on a page of our own.
  if (form && !log) form.addEventListener('submit', event => {
    event.preventDefault();
    begin();
  });
  // A card goes first: what was typed waits in the box of the next page. What gets no answer is asked again under its nonce.
  async function begin(card) {
    const { body: box, visitor: { value: own } } = form.elements, button = form.querySelector('.btn-p'), problem = document.getElementById('problem');
    if (button.disabled) return;
    const body = new URLSearchParams(new FormData(form)), typed = card && box.value;
    if (card) body.set('card', card);
    const lock = on => { button.disabled = box.readOnly = on; };
    lock(true);
    // The page may be left before the answer is here.
    if (!kept.token) say({ is: 'began', token: own });
    for (let pause = 1e3; ; pause = Math.min(2 * pause, 15e3)) {
      try {
        const words = await first();
        problem.textContent = words || '';
        if (words) lock(false);
        return;
      } catch (error) { problem.textContent = error.words || document.getElementById('net').dataset.off; }
      await new Promise(done => setTimeout(done, pause));
    }

    // Why it was refused, if it was and the page stays. Throws if it is to be asked again.
    async function first() {
      // Whom a cookie or a kept token knows by now, from another tab perhaps, goes on there; else the form's own token counts.
      let answer = await fetch(form.action, { method: 'POST', body, headers: { Accept: 'application/json' } });
      const { pathname } = new URL(answer.url), begun = pathname.startsWith('/c/');
      if (begun && answer.status === 404 && kept.token !== own) {
        kept.token = own;
        say({ is: 'keep', token: own });
        answer = await fetch(pathname);
      }
      const text = await answer.text(), refused = /json/.test(answer.headers.get('Content-Type')) && JSON.parse(text).error.message;
      if (answer.status >= 500) throw Object.assign(new Error(), { words: refused });
      if (refused) return refused;
      if (card) chosen();
      if (begun && answer.ok) {
        say({ is: 'message', detail: { mine: true } });
        carry(typed, pathname);
        if (!kept.token) {
          say({ is: 'began', token: null });
          return void location.replace(pathname);
        }
      }
      write(text);
    }
  }

  // What was typed waits in the box of the next page.
  function carry(typed, pathname) {
    kept.typed = typed;
    try {
      sessionStorage.removeItem('kefu-draft ' + new URL(form.action).pathname);
      if (typed) sessionStorage.setItem(`kefu-draft ${pathname}/messages`, typed);
    } catch { /* none was kept */ }
  }

  // Whoever puts the chat on a page waits to see that it works there, which our own demo says nothing of.
  let where = 'page';
  try { if (parent.location.pathname === '/demo') where = 'demo'; } catch { /* a page of another origin */ }
  const plain = window.kefuFetch = window.kefuFetch || window.fetch;
  // Where no cookie is kept none remembers the language either.
  const shown = () => [['Kefu-In', where], ...kept.token ? [['Authorization', `Bearer ${kept.token}`], ['Accept-Language', document.documentElement.lang]] : []];
  const ours = url => new URL(url, location.href).origin === location.origin;
  if (window.fetch === plain) {
    window.fetch = (input, more) => {
      const request = new Request(input, more);
      if (ours(request.url)) for (const [name, value] of shown()) request.headers.set(name, value);
      return plain(request);
    };
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      for (const [name, value] of shown()) this.setRequestHeader(name, value);
      return send.call(this, body);
    };
  }

  document.addEventListener('submit', event => {
    if (!kept.token || event.defaultPrevented || event.target.method !== 'post') return;
    event.preventDefault();
    go(event.target.action, { method: 'POST', body: new URLSearchParams(new FormData(event.target)) });
  });
  document.addEventListener('click', event => {
    const link = kept.token && event.target.closest && event.target.closest('a[href]');
    if (!link || event.defaultPrevented || !ours(link.href)) return;
    event.preventDefault();
    if (!link.target) return go(link.href);
    // The answer leads to a signed link, which needs no cookie.
    const tab = window.open('', '_blank');
    fetch(link.href).then(answer => { tab.opener = null; tab.location = answer.url; });
  });
  const pictures = () => {
    if (kept.token) for (const picture of document.querySelectorAll('img[src^="/c/"]')) {
      const { src } = picture;
      picture.removeAttribute('src');
      fetch(src).then(answer => { picture.src = answer.url; });
    }
  };
  if (log) new MutationObserver(pictures).observe(log, { childList: true, subtree: true });
  pictures();
})();
