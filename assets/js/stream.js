// The stream: says when the line is down, takes it up again where it was, and tells the server what was read.
(() => {
  const net = document.getElementById('net'), root = document.documentElement;
  const live = () => document.getElementById('live');
  // Loaded before htmx, so that even its first failure is heard.
  if (!live()) return;
  let up = false, down = 0, tries = 0, again = 0, hidden = 0;

  function say(state) {
    if (state === 'off' && root.dataset.net !== 'off') {
      root.dataset.net = 'off';
      net.textContent = net.dataset.off;
    } else if (state === 'on' && root.dataset.net === 'off') {
      root.dataset.net = 'back';
      net.textContent = net.dataset.back;
      setTimeout(() => { if (root.dataset.net === 'back') { delete root.dataset.net; net.textContent = ''; } }, 2000);
    }
  }
  // A rotation of the stream is over before anybody could read that it happened.
  const lost = () => { up = false; clearTimeout(down); down = setTimeout(() => { if (!up) say('off'); }, 1500); };
  const found = () => { up = true; tries = 0; clearTimeout(down); say('on'); };
  const on = (name, act) => document.addEventListener(name, event => { if (event.target === live()) act(event); });

  on('synced', found);
  for (const name of ['reset', 'bye']) on(name, () => location.reload());
  on('htmx:sse:before:connection', () => { if (up) lost(); });
  on('htmx:sse:error', event => {
    lost();
    if ([401, 403, 404, 410].includes(event.detail.status)) location.reload();
  });
  // htmx takes a stream up again, but not one whose very first request failed.
  for (const name of ['htmx:response:error', 'htmx:error']) on(name, () => {
    lost();
    clearTimeout(again);
    again = setTimeout(() => { if (!up) renew(); }, 250 + Math.random() * Math.min(15000, 500 * 2 ** tries++));
  });

  // Only the stream moves its cursor: the answer to a send may show an entry that others, still on their way, precede.
  let cursor = '';
  on('htmx:sse:after:message', event => { cursor = event.detail.message.id || cursor; });

  // A phone kills streams in the background without a word: a new one goes on where the old one was.
  function renew() {
    const old = live(), fresh = old.cloneNode();
    const url = new URL(old.getAttribute('hx-sse:connect'), location.href);
    if (cursor) url.searchParams.set('after', cursor);
    fresh.setAttribute('hx-sse:connect', url.pathname + url.search);
    for (const name of fresh.getAttributeNames()) if (name.startsWith('data-htmx')) fresh.removeAttribute(name);
    lost();
    old.remove();
    document.body.append(fresh);
    htmx.process(fresh);
  }
  // Whoever gets an answer to something else need not wait for the next try.
  const alive = () => { if (!up && root.dataset.net === 'off') renew(); };
  document.addEventListener('kf:alive', alive);
  document.addEventListener('htmx:after:request', event => {
    const response = event.detail.ctx && event.detail.ctx.response;
    if (event.target !== live() && response && response.status < 500) alive();
  });
  addEventListener('offline', () => { up = false; say('off'); });
  addEventListener('online', renew);
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
  addEventListener('visibilitychange', () => {
    if (document.hidden) hidden = Date.now();
    else if (hidden && Date.now() - hidden > 45000) renew();
  });

  const told = {};
  function tell() {
    const log = document.querySelector('ol.msgs'), to = log && log.dataset.read;
    if (document.hidden || !to) return;
    const seqs = [...log.querySelectorAll('.m:not(.me), .sys')].map(el => +el.dataset.seq), seq = Math.max(0, ...seqs);
    if (seq <= (told[to] || 0)) return;
    told[to] = seq;
    fetch(to, { method: 'POST', body: new URLSearchParams({ seq }), headers: { 'HX-Request': 'true' } }).catch(() => { told[to] = 0; });
  }
  for (const name of ['visibilitychange', 'focus']) addEventListener(name, tell);
  document.addEventListener('htmx:after:swap', tell);
  tell();
})();
