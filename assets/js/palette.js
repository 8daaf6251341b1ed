// The command palette: what is typed is asked of the server, arrows choose, Enter acts, Esc leads back to where one was.
(() => {
  const place = document.getElementById('command');
  let dialog, input, list, back, asked = 0, timer = 0;

  // The open conversation, which the server offers acts of, and the list beside it.
  const context = () => {
    const open = document.querySelector('#conv[data-cid]');
    return open ? `&c=${open.dataset.cid}&asks=${encodeURIComponent(open.dataset.asks)}` : '';
  };
  const options = () => [...list.querySelectorAll('[role=option]')];
  const chosen = () => list.querySelector('[aria-selected=true]');

  function choose(option) {
    const before = chosen();
    if (before) before.setAttribute('aria-selected', 'false');
    if (!option) { input.removeAttribute('aria-activedescendant'); return; }
    option.setAttribute('aria-selected', 'true');
    input.setAttribute('aria-activedescendant', option.id);
    option.scrollIntoView({ block: 'nearest' });
  }

  async function ask() {
    const number = ++asked;
    const answer = await fetch(`/desk/palette?q=${encodeURIComponent(input.value)}${context()}`, { headers: { 'HX-Request': 'true' } }).catch(() => null);
    const text = answer && answer.ok && await answer.text().catch(() => '');
    // An older answer that comes late is not what was typed.
    if (!text || number !== asked) return;
    list.innerHTML = text;
    choose(options()[0]);
  }

  function act(option) {
    if (!option) return;
    const { text } = option.dataset, field = document.getElementById('body');
    if (text && field) {
      // Where one was writing is where it comes: a dialog that closes moves the caret.
      back = field;
      field.setRangeText(text, field.selectionStart, field.selectionEnd, 'end');
      const at = field.selectionEnd;
      dialog.close();
      field.setSelectionRange(at, at);
      field.dispatchEvent(new Event('input', { bubbles: true }));
      return;
    }
    // What the page can do where one is, it does there.
    const { pathname } = new URL(option.dataset.go, location.href);
    const own = option.dataset.nonce && document.querySelector(`.bar form[action^="${pathname}?"]`);
    if (own) {
      dialog.close();
      own.requestSubmit();
      return;
    }
    if (!option.dataset.nonce) {
      const panel = [...document.querySelectorAll('a[data-panel]')].find(link => link.pathname === pathname);
      if (!panel) { location.href = option.dataset.go; return; }
      dialog.close();
      panel.click();
      return;
    }
    const form = document.createElement('form'), nonce = document.createElement('input');
    form.method = 'post';
    form.action = option.dataset.go;
    nonce.type = 'hidden';
    nonce.name = 'nonce';
    nonce.value = option.dataset.nonce;
    form.append(nonce);
    document.body.append(form);
    form.submit();
  }

  function keys(event) {
    // What an input method is composing is its own business.
    if (event.isComposing || event.keyCode === 229) return;
    const all = options(), at = all.indexOf(chosen());
    const moves = { ArrowDown: at + 1, ArrowUp: at - 1 + all.length, Home: input.value ? null : 0, End: input.value ? null : all.length - 1 };
    if (event.key === 'Enter') {
      event.preventDefault();
      act(chosen());
    } else if (event.key in moves && moves[event.key] !== null) {
      event.preventDefault();
      choose(all[moves[event.key] % all.length]);
    }
  }

  async function make() {
    const answer = await fetch(`/desk/palette?q=${context()}`).catch(() => null);
    const text = answer && answer.ok && await answer.text().catch(() => '');
    // Signed out, or the line is down: the page of the search says which.
    if (!text) { location.href = '/desk/search'; return; }
    place.innerHTML = text;
    dialog = document.getElementById('palette');
    input = document.getElementById('palette-q');
    list = document.getElementById('palette-list');
    input.addEventListener('keydown', keys);
    input.addEventListener('input', event => {
      clearTimeout(timer);
      if (!event.isComposing) timer = setTimeout(ask, 120);
    });
    input.addEventListener('compositionend', () => { clearTimeout(timer); timer = setTimeout(ask, 120); });
    list.addEventListener('click', event => act(event.target.closest('[role=option]')));
    dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
    dialog.addEventListener('close', () => { if (back && back.isConnected) back.focus(); });
  }

  window.kfPalette = async () => {
    if (dialog && dialog.open) { dialog.close(); return; }
    back = document.activeElement;
    if (dialog) { input.value = ''; ask(); } else await make();
    if (!dialog || dialog.open) return;
    dialog.showModal();
    input.focus();
    choose(options()[0]);
  };
})();
