// Keys: one clicks whatever says `data-key` and is in sight, and gives the focus to what its `data-focus` names. Several keys
// are separated by spaces, `gm` is G and then M. Nothing while one writes or composes, and no single ones where the agent
// wants none. What they do is listed at /desk/keys.
(() => {
  const body = document.body;
  if (!body.dataset.keys) return;
  // A menu that is closed is in sight as well: its keys stand in it.
  const sight = el => el.getClientRects().length || el.closest('details.menu:not([open])');
  function press(key) {
    const el = [...document.querySelectorAll(`[data-key~="${CSS.escape(key)}"]`)].find(sight);
    if (!el) return false;
    el.click();
    const to = document.getElementById(el.dataset.focus);
    if (to) to.focus();
    return true;
  }

  const rows = () => [...document.querySelectorAll('#rows .row:not([hidden])')];
  const box = row => row.querySelector('input');
  function open(row) {
    if (!row) return false;
    row.click();
    row.scrollIntoView({ block: 'nearest' });
    return true;
  }
  function step(by) {
    const all = rows(), at = all.findIndex(row => row.matches('[aria-current]'));
    return open(all[at < 0 ? 0 : at + by]);
  }
  function move(from, by) {
    const all = [...from.closest('.rows').querySelectorAll('.row')], to = all[all.indexOf(from) + by];
    if (to) (box(to) || to).focus();
    return !!to;
  }
  // The close button's act, and then the conversation that stands next, or last.
  function closeAndNext() {
    const all = rows(), at = all.findIndex(row => row.matches('[aria-current]')), next = all[at + 1] || all[at - 1];
    const shown = () => document.querySelector('#conv[data-cid]')?.dataset.cid, cid = shown();
    // The stream may be faster than the answer, which draws the conversation once more.
    const closed = ({ detail: { ctx } }) => {
      if (!ctx || ctx.target.id !== 'conv') return;
      document.removeEventListener('htmx:after:swap', closed);
      if (shown() === cid && document.querySelector('.bar[data-state=closed]')) open(next && document.getElementById(next.id));
    };
    if (!press('e')) return false;
    document.addEventListener('htmx:after:swap', closed);
    return true;
  }
  // What can be done with what one said last.
  function amend() {
    const last = [...document.querySelectorAll('.msgs > .me:not(.pending, .fail) .menu-of')].pop();
    if (last) last.click();
    return !!last;
  }
  // The row that has the focus is chosen, where it stands or where rows are chosen.
  function choose(row) {
    const link = document.querySelector('a[data-key~=x]');
    if (box(row)) box(row).click();
    else if (link) location.href = `${link.href}&id=${row.id.slice(2)}`;
    return true;
  }

  function leave(target) {
    const menu = document.querySelector('details.menu[open]');
    if (menu) {
      menu.open = false;
      menu.querySelector('summary').focus();
      return true;
    }
    // A form that was opened, unless one writes beside it.
    const off = !target.closest('.re') && [...document.querySelectorAll('.panel [data-dismiss], .filter [data-dismiss]')].find(sight);
    if (off) {
      off.click();
      return true;
    }
    const pane = target.closest('#conv');
    if (pane && pane !== target && !target.closest('.side')) {
      pane.focus();
      return true;
    }
    return press('Escape');
  }

  // What a Chinese input method writes for the same key.
  const WIDE = { '？': '?', '【': '[', '】': ']', '、': '/' };
  let prefix = 0;
  function act(event) {
    const { key, target } = event;
    if (event.altKey) return /^Digit[1-9]$/.test(event.code) && open(rows()[event.code[5] - 1]);
    if (key === 'Escape') return leave(target);
    if (key === 'ArrowUp' && target.matches('.re textarea') && !target.value) return amend();
    if (target.matches('textarea, select, [contenteditable], input:not([type=radio], [type=checkbox])')) return false;
    const row = target.closest('.row');
    if (row && key === 'ArrowDown') return move(row, 1);
    if (row && key === 'ArrowUp') return move(row, -1);
    // Enter on a link or a button is theirs.
    if (key.length > 1) return !target.closest('a, button, summary, input') && press(key);
    if (body.dataset.keys === 'off') return false;
    const one = (WIDE[key] || key).toLowerCase(), two = Date.now() - prefix < 1500;
    prefix = !two && one === 'g' ? Date.now() : 0;
    if (two) return press('g' + one);
    if (one === 'j' || one === 'k') return step(one === 'j' ? 1 : -1);
    if (one === 'x' && row) return choose(row);
    // Where the contact is a column and no drawer, no button stands for it.
    const column = one === '[' ? 'data-wide' : one === ']' && !press(one) ? 'data-bare' : null;
    if (column) document.querySelector('.d').toggleAttribute(column);
    return !!column || one === ']' || press(one);
  }
  document.addEventListener('keydown', event => {
    if (event.defaultPrevented || event.isComposing || event.keyCode === 229) return;
    if (!event.target.closest || document.querySelector('dialog[open]')) return;
    if (event.ctrlKey || event.metaKey ? event.shiftKey && event.code === 'KeyE' && closeAndNext() : act(event)) event.preventDefault();
  });
  // The switch stands in the dialog.
  document.addEventListener('htmx:after:swap', () => {
    const list = document.getElementById('keys');
    if (list) body.dataset.keys = list.dataset.single;
  });
})();
