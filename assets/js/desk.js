// The desk: the open conversation follows the hints of the stream, and keys send.
(() => {
  const rows = document.getElementById('rows');
  if (!rows) return;
  const pane = () => document.querySelector('#conv[data-cid]');

  // Up to where the pane holds every entry: as far as the server said, and on by what stands there. What was just sent may stand
  // there already, with others missing before it; an edit has a number and stands nowhere.
  function held(log) {
    const seqs = new Set([...log.querySelectorAll('[data-seq]:not(.read, .unread)')].map(el => +el.dataset.seq));
    let last = +log.dataset.held;
    while (seqs.has(last + 1)) last++;
    return last;
  }

  // Colleagues see what stands open here: the stream says it where it begins, and whatever is opened later says which page it is for.
  const { kf } = window, address = kf.url, page = address().searchParams.get('page');
  let line = null;
  kf.url = params => {
    const url = address(params), open = pane();
    url.searchParams.delete('open');
    if (open) url.searchParams.set('open', open.dataset.cid);
    return url;
  };
  document.addEventListener('htmx:config:request', ({ target, detail: { ctx } }) => {
    ctx.request.headers['Kefu-Page'] = page;
    if (target === kf.live()) line = ctx.request;
  });
  // A stream that is cut is taken up again by the address it had.
  document.addEventListener('htmx:after:swap', () => { if (line) line.action = kf.url().href; });

  // A hint says only that there is more; what it is comes from the log, after what we hold.
  let fetching = false, wanted = false, later = 0, wait = 0;
  async function follow() {
    const open = pane(), log = open && open.querySelector('ol.msgs');
    if (!log) return;
    if (fetching) { wanted = true; return; }
    fetching = true;
    clearTimeout(later);
    do {
      wanted = false;
      const before = held(log), url = `/desk/c/${open.dataset.cid}/messages?${open.dataset.asks}&after=${before}`;
      const answer = await fetch(url, { headers: { 'HX-Request': 'true' } }).catch(() => null);
      const text = answer && answer.status === 200 && await answer.text().catch(() => null);
      if (text && log.isConnected) {
        const menu = () => open.querySelector('.bar details.menu'), chooses = menu() && menu().open;
        await htmx.swap({ sourceElement: log, target: log, swap: 'none', text });
        // The head was drawn anew; whoever chooses in its menu goes on choosing.
        if (chooses && menu()) menu().open = true;
        log.dataset.held = answer.headers.get('Kefu-Held') || log.dataset.held;
        readOn();
        // One answer holds no more.
        if (held(log) - before >= 500) wanted = true;
        wait = 0;
      } else if (!answer || text === null || answer.status === 429 || answer.status >= 500) {
        // Nobody says twice that there is more: what could not be had is asked for again, in 1 s, 2 s and so on up to 32 s.
        wait = Math.min(wait ? 2 * wait : 1000, 32000);
        later = setTimeout(follow, wait);
        break;
      }
    } while (wanted && log.isConnected);
    fetching = false;
  }
  document.addEventListener('hint', event => {
    const open = pane();
    if (open && String(JSON.parse(event.detail.data).conversation) === open.dataset.cid) follow();
  });
  document.addEventListener('synced', follow);

  // Whoever looks at a note that was changed has read that as well, and it stands nowhere; of what stands there stream.js tells.
  const told = new WeakMap();
  function readOn() {
    const log = document.querySelector('#conv ol.msgs'), to = log && log.dataset.read;
    if (!to || document.hidden) return;
    const seq = +log.dataset.held, shown = [...log.querySelectorAll('[data-seq]')].map(el => +el.dataset.seq);
    if (seq <= Math.max(told.get(log) || 0, ...shown)) return;
    told.set(log, seq);
    fetch(to, { method: 'POST', body: new URLSearchParams({ seq }), headers: { 'HX-Request': 'true' } }).catch(() => told.delete(log));
  }
  for (const then of ['visibilitychange', 'htmx:after:swap']) document.addEventListener(then, readOn);
  readOn();

  // Which row is open.
  function mark() {
    const open = pane(), cid = open && open.dataset.cid;
    for (const row of rows.querySelectorAll('.row')) {
      if (row.id === 'c-' + cid) row.setAttribute('aria-current', 'true');
      else row.removeAttribute('aria-current');
    }
  }
  mark();

  // A conversation just opened takes the focus, so that keys and screen readers are in it. The row that led there may have
  // been drawn anew meanwhile, so it is not asked.
  let shown = pane() && pane().dataset.cid, focused = null, within = false, news = null;
  document.addEventListener('htmx:before:swap', () => {
    const row = document.activeElement && document.activeElement.closest('#rows .row');
    focused = row && row.id;
    within ||= !!document.activeElement.closest('#conv');
    news = document.querySelector('#conv .unread');
  });
  document.addEventListener('htmx:after:swap', () => {
    const frame = document.querySelector('.d'), open = pane(), cid = open && open.dataset.cid;
    frame.dataset.view = open ? 'conv' : 'list';
    mark();
    if (cid && cid !== shown) requestAnimationFrame(() => { if (open.isConnected) open.focus(); });
    // What was new when it was opened is marked while it is open, also where an act draws it anew.
    if (cid && cid === shown && news && !news.isConnected && !open.querySelector('.unread')) {
      const next = [...open.querySelectorAll('.msgs > [data-seq]')].find(el => +el.dataset.seq >= +news.dataset.seq);
      if (next) next.before(news);
    }
    // The title says which one, as it does where the page is loaded; told.js puts the figure of what is unread before it.
    const bare = document.title.replace(/^\(\d+\) /, ''), list = document.querySelector('.list').getAttribute('aria-label');
    const title = cid ? `${open.querySelector('h1').textContent} · ${list} · ${open.dataset.site}` : list;
    if (title !== bare) document.title = title;
    // A row that was drawn anew keeps the focus, and a conversation that was left gives it to its row: htmx gives it to what has
    // the same id, which is the empty place.
    const row = document.activeElement.matches('body, .conv.none') && document.getElementById(!cid && shown ? 'c-' + shown : focused);
    if (row) row.focus({ preventScroll: true });
    // So does a conversation whose button is gone with what it did.
    else if (within && cid === shown && open && document.activeElement === document.body) open.focus({ preventScroll: true });
    within = false;
    shown = cid;
  });

  // An act that gets no answer says so: its form stays as it is, and under its nonce a repeat is the same act. One that is done
  // takes away what was said of one before; what was said of an answer stays until that is sent.
  const problem = () => document.getElementById('problem');
  function outcome(event) {
    const { ctx } = event.detail;
    // The form may have been drawn anew meanwhile.
    if (!ctx || !problem() || !(ctx.sourceElement instanceof Element) || !ctx.sourceElement.closest('form, .row')) return;
    const status = ctx.response && ctx.response.status;
    if (!status || status >= 500) problem().textContent = problem().dataset.failed;
    else if (status < 400 && !problem().querySelector('[form=f]')) problem().textContent = '';
  }
  for (const name of ['htmx:after:request', 'htmx:error']) document.addEventListener(name, outcome);

  // What becomes of an answer that met another one. Where the next was begun already, it waits as a bubble of its own.
  document.addEventListener('click', event => {
    const act = event.target.closest('#problem [name=anyway], #problem [data-discard]');
    if (!act) return;
    const waits = [...document.querySelectorAll('ol.msgs .m.fail')].pop(), form = document.getElementById('f'), box = form.elements.body;
    if (act.name && !waits) return;
    event.preventDefault();
    if (act.name) waits.querySelector('.retry').click();
    else if (waits) waits.remove();
    else {
      for (const chip of form.querySelectorAll('#chips > *')) chip.remove();
      box.required = true;
      box.value = '';
      box.dispatchEvent(new Event('input', { bubbles: true }));
    }
    problem().textContent = '';
    box.focus();
  });

  // Enter sends where a keyboard has Shift beside it, or Ctrl and Enter where the agent likes that, ⌘ on a Mac; the box says
  // which where there are such keys. And what is written says what it will be.
  const keys = () => !matchMedia('(pointer: coarse)').matches;
  const own = words => (/^Mac/.test(navigator.platform) ? words.replace('Ctrl', '⌘') : words);
  function hint() {
    const box = document.querySelector('.re textarea'), note = box && box.form.querySelector('[value=note]');
    if (!box) return;
    const chord = box.form.querySelector('.tools > kbd');
    chord.textContent = own(chord.textContent);
    box.dataset.plain ??= box.placeholder;
    box.placeholder = note.checked ? note.dataset.hint : keys() ? own(box.dataset.hint) : box.dataset.plain;
  }
  for (const sign of ['change', 'htmx:after:swap']) document.addEventListener(sign, hint);
  hint();

  // Sending, except inside an input method.
  document.addEventListener('keydown', event => {
    const box = event.target;
    if (!box.matches || !box.matches('.re textarea') || event.key !== 'Enter' || event.shiftKey) return;
    if (event.isComposing || event.keyCode === 229) return;
    if (box.dataset.send === 'ctrl_enter' ? !event.ctrlKey && !event.metaKey : !keys()) return;
    event.preventDefault();
    if (box.value.trim() || box.form.querySelector('#chips > :not(.bad)')) box.form.requestSubmit();
  });
  document.addEventListener('submit', event => {
    if (!event.target.matches('.re')) return;
    // What the writer had before her eyes.
    event.target.elements.seen_seq.value = held(pane().querySelector('ol.msgs'));
  }, true);
})();
