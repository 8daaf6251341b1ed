// The stream: says when the line is down, takes it up again where it was, tells the server what was read and that
// somebody is typing. Where no stream gets through, ladder.js finds another way and speaks for it.
(() => {
  const net = document.getElementById('net'), root = document.documentElement;
  const live = () => document.getElementById('live');
  // Loaded before htmx, so that even its first failure is heard.
  if (!live()) return;
  let up = false, down = 0, tries = 0, again = 0, hidden = 0, silent = 0, cuts = [];

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
  const found = () => { up = true; tries = 0; clearTimeout(down); clearTimeout(silent); say('on'); };
  const on = (name, act) => document.addEventListener(name, event => { if (event.target === live()) act(event); });

  // Silent for 6 s, or cut three times within a minute: this line carries no streams.
  function cut() {
    lost();
    const now = Date.now();
    cuts = cuts.filter(at => now - at < 60000).concat(now);
    if (cuts.length > 2) step();
  }
  function step() {
    clearTimeout(silent);
    cuts = [];
    if (kf.rung) return;
    const script = document.createElement('script');
    script.src = live().dataset.ladder;
    script.onload = () => script.remove();
    // Not even this gets through: the server is away, and the stream will try on.
    script.onerror = () => script.remove();
    document.head.append(script);
  }

  on('synced', found);
  // In a frame a page that is nobody's any more would be a dead end; see embed.js.
  const anew = () => (kf.home ? location.replace(kf.home) : location.reload());
  on('reset', anew);
  // Whoever signs out here is on her way already.
  on('bye', () => setTimeout(anew, 500));
  for (const name of ['htmx:before:request', 'htmx:sse:before:connection']) on(name, () => {
    if (up) cut();
    clearTimeout(silent);
    silent = setTimeout(step, 6000);
  });
  on('htmx:sse:error', event => {
    cut();
    if ([401, 403, 404, 410].includes(event.detail.status)) anew();
  });
  // htmx takes a stream up again, but not one whose very first request failed.
  for (const name of ['htmx:response:error', 'htmx:error']) on(name, () => {
    cut();
    clearTimeout(again);
    kf.next = 250 + Math.random() * Math.min(15000, 500 * 2 ** tries++);
    again = setTimeout(() => { if (!up) kf.renew(); }, kf.next);
  });

  // What other ways need to know. Only the stream moves its cursor: the answer to a send may show an entry that others,
  // still on their way, precede.
  const kf = window.kf = { live, lost, found, cursor: '', rung: '', renew, anew };
  const from = live().getAttribute('hx-sse:connect');
  kf.url = params => {
    const url = new URL(from, location.href);
    if (kf.cursor) url.searchParams.set('after', kf.cursor);
    for (const name in params) url.searchParams.set(name, params[name]);
    return url;
  };
  on('htmx:sse:after:message', event => { kf.cursor = event.detail.message.id || kf.cursor; });

  // A phone kills streams in the background without a word: a new one goes on where the old one was.
  function renew(connect = true) {
    const old = live(), fresh = old.cloneNode();
    for (const name of fresh.getAttributeNames()) if (name.startsWith('data-htmx') || name === 'hx-sse:connect') fresh.removeAttribute(name);
    if (connect) fresh.setAttribute('hx-sse:connect', kf.url().pathname + kf.url().search);
    lost();
    clearTimeout(again);
    old.remove();
    document.body.append(fresh);
    if (connect) htmx.process(fresh);
  }
  // Whoever gets an answer to something else need not wait for the next try.
  const alive = () => { if (!up && root.dataset.net === 'off') kf.renew(); };
  document.addEventListener('kf:alive', alive);
  document.addEventListener('htmx:after:request', event => {
    const response = event.detail.ctx && event.detail.ctx.response;
    if (event.target !== live() && response && response.status < 500) alive();
  });
  addEventListener('offline', () => { up = false; say('off'); });
  addEventListener('online', () => kf.renew());
  addEventListener('pageshow', event => { if (event.persisted) location.reload(); });
  addEventListener('visibilitychange', () => {
    if (document.hidden) hidden = Date.now();
    else if (hidden && Date.now() - hidden > 45000) kf.renew();
  });

  const told = {};
  const post = (url, body) => fetch(url, { method: 'POST', body, headers: { 'HX-Request': 'true' } });
  function tell() {
    const log = document.querySelector('ol.msgs'), to = log && log.dataset.read;
    // A frame that is not shown has no height.
    if (document.hidden || !innerHeight || root.hasAttribute('data-shut') || !to) return;
    const seqs = [...log.querySelectorAll('.m:not(.me), .note, .sys')].map(el => +el.dataset.seq), seq = Math.max(0, ...seqs);
    // What was marked as unread is read once more.
    if (seq <= (told[to] || 0) && !('unread' in log.dataset)) return;
    delete log.dataset.unread;
    told[to] = seq;
    post(to, new URLSearchParams({ seq })).catch(() => { told[to] = 0; });
  }
  for (const name of ['visibilitychange', 'focus']) addEventListener(name, tell);
  document.addEventListener('htmx:after:swap', tell);
  tell();

  // A note is nobody's business on the other side.
  let typed = 0;
  document.addEventListener('input', event => {
    const form = event.target.form;
    if (!form || form.id !== 'f' || !event.target.value || Date.now() - typed < 3000) return;
    if (form.elements.kind && form.elements.kind.value === 'note') return;
    typed = Date.now();
    post(form.action.replace(/messages.*/, 'typing')).catch(() => {});
  });
})();
