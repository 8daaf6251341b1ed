// Drafts of the desk, in the place of draft.js: what is typed is kept by the server 800 ms after the last key, and until it has it,
// by the tab, after its kind and a line break: a note never comes back as a reply. So what the tab holds is always the newer one.
// Files and the quote that an unsent answer has are kept for it while the tab shows something else.
// Rows say where something is begun: #drafts knows, which the page draws and the stream keeps, from whatever tab it was; news of a row, which is for everybody, does not.
(() => {
  const key = form => 'kefu-draft ' + new URL(form.action).pathname;
  const read = name => { try { return sessionStorage.getItem(name); } catch { return null; } };
  const write = (name, text) => { try { text === null ? sessionStorage.removeItem(name) : sessionStorage.setItem(name, text); } catch { /* private mode: the page itself still holds it */ } };
  const text = form => `${form.elements.kind.value}\n${form.elements.body.value}`, bodyOf = kept => kept.slice(kept.indexOf('\n') + 1);
  // What the server does not have yet, by where it is sent to.
  const pending = new Map();
  let timer = 0, saving = null, asked = -Infinity;

  const composer = () => document.querySelector('form[data-draft]');
  const rows = document.getElementById('rows'), begun = document.getElementById('drafts');
  function mark() {
    if (!begun) return;
    const form = composer(), newer = form ? read(key(form)) : null;
    if (newer !== null) note(form.action, bodyOf(newer));
    for (const row of rows.querySelectorAll('.row')) {
      const known = document.getElementById('draft' + row.id.slice(1)), drawn = row.querySelector('.draft');
      if (drawn && !known) drawn.remove();
      if (drawn || !known) continue;
      const draft = document.createElement('span');
      draft.className = 'draft';
      draft.textContent = rows.dataset.draft;
      row.querySelector('.p').prepend(draft, ' ');
    }
  }
  // Of the conversation of an address. Whether that is news.
  function note(address, body) {
    const id = 'draft-' + new URL(address, location).pathname.split('/')[3], known = document.getElementById(id);
    if (!begun || !known === !body.trim()) return false;
    if (known) known.remove();
    else begun.append(Object.assign(document.createElement('i'), { id }));
    return true;
  }

  function keep(form) {
    const body = form.elements.body.value;
    write(key(form), text(form));
    if (note(form.action, body)) mark();
    const url = form.dataset.draft;
    pending.set(url, { key: key(form), text: text(form), url, fields: new URLSearchParams({ kind: form.elements.kind.value, body }) });
    clearTimeout(timer);
    timer = setTimeout(save, 800);
  }
  // One at a time, or an older one could arrive last. What the server cannot keep now is tried again; what it refuses, as of
  // whoever is signed out, the tab keeps.
  async function save() {
    clearTimeout(timer);
    if (saving || !pending.size) return;
    [saving] = pending.values();
    pending.delete(saving.url);
    const answer = await fetch(saving.url, { method: 'POST', body: saving.fields, headers: { 'HX-Request': 'true' } }).catch(() => null);
    const away = !answer || answer.status >= 500 || answer.status === 429;
    // The next page was asked for before the server had this, perhaps: the tab holds it still, and it is said again.
    const early = Date.now() - asked < 5000;
    if (answer && answer.ok && !early && read(saving.key) === saving.text) write(saving.key, null);
    // Sent while this was on its way, it is a draft no more, whichever of the two arrived last.
    const { sent, url } = saving;
    if (sent) saving = { url, fields: new URLSearchParams() };
    if ((away || sent || early) && !pending.has(url)) pending.set(url, saving);
    saving = null;
    if (pending.size) timer = setTimeout(save, away ? 5000 : 800);
  }
  // Whoever leaves the page waits for nothing.
  function leave() {
    for (const { url, fields } of pending.values()) if (navigator.sendBeacon(url, fields)) pending.delete(url);
  }

  // The composer is drawn anew with whatever becomes of its conversation: chips and quote are put back.
  const shelf = new Map();
  let last = composer();
  const quote = form => form.querySelector(':scope > .quote'), chips = form => [...form.querySelectorAll('#chips > *')];
  function move() {
    const form = composer();
    if (form === last) return;
    if (last) shelf.set(key(last), { chips: chips(last), quote: quote(last) });
    last = form;
    const had = form && shelf.get(key(form));
    if (!had) return;
    if (had.quote && !quote(form)) form.querySelector('.box').before(had.quote);
    form.querySelector('#chips').append(...had.chips);
    if (had.chips.length) form.elements.body.required = false;
  }
  // A message was refused, perhaps one of another conversation.
  document.addEventListener('kf:refused', ({ detail }) => {
    const form = composer();
    if (document.getElementById(detail.log)) return;
    if (note(detail.action, '?')) mark();
    if (form) document.getElementById('problem').textContent = form.dataset.elsewhere;
  });

  function restore() {
    const form = composer();
    if (!form || form.dataset.drafted) return;
    form.dataset.drafted = '1';
    const newer = read(key(form));
    if (note(form.action, newer === null ? form.elements.body.value : bodyOf(newer))) mark();
    if (newer === text(form)) write(key(form), null);
    if (newer === null || newer === text(form)) return;
    form.elements.kind.value = newer.split('\n', 1);
    form.elements.body.value = bodyOf(newer);
    form.dispatchEvent(new Event('change', { bubbles: true }));
    keep(form);
  }
  document.addEventListener('input', event => {
    const form = event.target.form;
    if (form && form.dataset.draft && form.elements[event.target.name]) keep(form);
  });
  // What is sent is a draft no more; what is refused is put back, and is one again.
  document.addEventListener('submit', event => {
    const form = event.target;
    if (!form.dataset.draft) return;
    pending.delete(form.dataset.draft);
    if (saving && saving.url === form.dataset.draft) saving.sent = true;
    write(key(form), null);
    if (note(form.action, '')) mark();
  });
  addEventListener('beforeunload', () => { asked = Date.now(); });
  addEventListener('pagehide', leave);
  document.addEventListener('htmx:before:swap', save);
  for (const then of [move, restore, mark]) document.addEventListener('htmx:after:swap', then);
  mark();
  restore();
})();
