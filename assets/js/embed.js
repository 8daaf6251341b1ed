// In a frame on a customer's page: speaks with the script there (loader.js), and finds a way to know the visitor where the
// browser gives a frame no cookies. Loaded by visitor.js, only in a frame, and again with each page.
(() => {
  const { fold, offer, cardSend, dismiss } = document.querySelector('script[data-embed]').dataset;
  const root = document.documentElement, log = document.getElementById('log'), form = document.getElementById('f');
  // Outlives a page that is written over this one.
  const kept = window.kefuKept = window.kefuKept || { token: '', page: '' };
  let port, shut = false, unread = 0;
  const unsaid = [], say = message => { port ? port.postMessage({ kf: 1, ...message }) : unsaid.push(message); };

  addEventListener('message', ({ source, data, ports }) => {
    if (source !== parent || !data || data.kf !== 1 || data.is !== 'hello' || !ports[0]) return;
    [port] = ports;
    port.onmessage = event => hear(event.data);
    note(data.page);
    // Known by no cookie, but the page outside remembers: the conversation is asked for under that name.
    const known = !log && !kept.token && data.token ? enter(data.token).catch(() => {}) : Promise.resolve();
    known.then(() => [{ is: 'ready' }, ...unsaid.splice(0)].forEach(say));
  });

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
      if (shut) return;
      unread = 0;
      dispatchEvent(new Event('focus'));
      const box = form && form.elements.body;
      if (box && matchMedia('(pointer: fine)').matches) box.focus();
    } else if (message.is === 'page') note(message.page);
    else if (message.is === 'prefill' && form) fill(String(message.text));
    else if (message.is === 'card') show(message.card);
    else if (message.is === 'forget') fetch(location.pathname.replace(/^\/c\/.*/, '/w') + '/forget', { method: 'POST' });
  }

  // Where the visitor is: the agent is told of each page once, as soon as they talk.
  function note(page) {
    if (!log || !form || !page || page.url === kept.page) return;
    kept.page = page.url;
    const { url, title, referrer } = page;
    fetch(form.action.replace(/messages$/, 'page'), { method: 'POST', body: new URLSearchParams({ page: url, title, referrer }) }).catch(() => {});
  }

  // An order or a product of the page, to be sent with one tap. What it says is written by whoever writes there.
  let strip;
  const element = (name, words, kind) => Object.assign(document.createElement(name), { textContent: words, className: kind || '' });
  function show(json) {
    let card;
    try { card = JSON.parse(json); } catch { /* is none */ }
    if (!form || !card || !card.title) return;
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
    say({ is: 'card' });
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

  if (log) {
    let last = Math.max(0, ...[...log.querySelectorAll('.m[id]')].map(line => +line.dataset.seq));
    new MutationObserver(records => {
      for (const node of records.flatMap(record => [...record.addedNodes])) {
        if (!node.id || !node.matches('.m') || +node.dataset.seq <= last) continue;
        last = +node.dataset.seq;
        const mine = node.classList.contains('me');
        say({ is: 'message', detail: { mine } });
        if (shut && !mine) say({ is: 'unread', n: ++unread });
      }
    }).observe(log, { childList: true });
  }

  // ── without cookies: each request shows the token, and pages are fetched and written over this one ──

  async function enter(token) {
    kept.token = token;
    const answer = await fetch(location.href, shown(token));
    if (answer.redirected && answer.ok) write(await answer.text());
    else if (answer.ok) kept.token = token;
    else kept.token = '';
  }
  const shown = (token, more) => ({ ...more, headers: { ...more && more.headers, Authorization: `Bearer ${token}` } });

  function write(html) {
    say({ is: 'wait' });
    document.open();
    document.write(html);
    document.close();
  }
  async function go(url, more) {
    try { write(await (await fetch(url, more)).text()); } catch { location.reload(); }
  }

  // The first message: if its answer leaves a cookie that comes back, all is as on a page of our own.
  if (form && !log) form.addEventListener('submit', event => {
    event.preventDefault();
    begin();
  });
  // A card goes first: what was typed waits in the box of the next page.
  async function begin(card) {
    const token = kept.token || form.elements.visitor.value, fields = new URLSearchParams(new FormData(form)), typed = card && form.elements.body.value;
    if (card) fields.set('card', card);
    try {
      const answer = await fetch(form.action, shown(token, { method: 'POST', body: fields })), html = await answer.text();
      if (card && answer.status < 500) chosen();
      const { pathname } = new URL(answer.url);
      if (answer.ok && pathname.startsWith('/c/')) {
        try {
          sessionStorage.removeItem('kefu-draft ' + new URL(form.action).pathname);
          if (typed) sessionStorage.setItem(`kefu-draft ${pathname}/messages`, typed);
        } catch { /* none was kept */ }
        kept.typed = typed;
        const probe = await plain(`${pathname}/messages?after=0`);
        if (probe.ok) return location.replace(pathname);
        kept.token = token;
        say({ is: 'keep', token });
      }
      write(html);
    } catch { if (!card) form.submit(); }
  }

  const plain = window.kefuFetch = window.kefuFetch || window.fetch;
  const ours = url => new URL(url, location.href).origin === location.origin;
  if (window.fetch === plain) {
    window.fetch = (input, more) => {
      const request = new Request(input, more);
      if (kept.token && ours(request.url)) request.headers.set('Authorization', `Bearer ${kept.token}`);
      return plain(request);
    };
    const send = XMLHttpRequest.prototype.send;
    XMLHttpRequest.prototype.send = function (body) {
      if (kept.token) this.setRequestHeader('Authorization', `Bearer ${kept.token}`);
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
