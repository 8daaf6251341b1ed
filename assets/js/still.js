// Rows do not move away from under the hand: while somebody points at the list or goes through it by keys, and until that has
// rested for two seconds, what the stream changes is drawn in place, what leaves keeps its room, and what is new waits unless it
// stands below. A row that is drawn anew while it is pressed is clicked all the same. Without this rows move at once.
(() => {
  const rows = document.getElementById('rows');
  if (!rows) return;
  let held = null, timer = 0, changed = false;
  const all = () => [...rows.querySelectorAll('.row')];
  const key = el => +el.dataset.k;

  function hold() {
    clearTimeout(timer);
    timer = setTimeout(settle, 2000);
    held ??= all().map(row => row.id);
  }
  function settle() {
    clearTimeout(timer);
    held = null;
    if (!changed) return;
    changed = false;
    for (const room of rows.querySelectorAll('.room')) room.remove();
    for (const row of all()) row.hidden = false;
    put([...rows.children].sort((a, b) => key(a) - key(b)));
  }

  // Moves no more than it takes, and leaves the focus where it is.
  function put(order) {
    const focused = document.activeElement;
    let at = rows.firstElementChild;
    for (const el of order) {
      if (el === at) at = at.nextElementSibling;
      else rows.insertBefore(el, at);
    }
    watch.takeRecords();
    if (rows.contains(focused)) focused.focus({ preventScroll: true });
  }

  function room(id) {
    const there = rows.querySelector(`[data-room=${id}]`), other = rows.querySelector('.row:not([hidden])');
    if (there) return there;
    const made = document.createElement('div');
    made.className = 'room';
    made.dataset.room = id;
    made.style.height = `${other ? other.getBoundingClientRect().height : 64}px`;
    return made;
  }
  const watch = new MutationObserver(() => {
    if (!held) return;
    changed = true;
    const stood = new Set(held), shown = id => document.getElementById(id), more = document.getElementById('more');
    const below = Math.max(...held.map(shown).filter(Boolean).map(key));
    for (const row of all()) if (!stood.has(row.id)) {
      if (key(row) > below) held.push(row.id);
      else row.hidden = true;
    }
    const order = held.map(id => shown(id) || room(id));
    const others = [...rows.children].filter(el => !order.includes(el) && el !== more && !el.matches('.room'));
    // Between the link and what stands below it others are missing.
    const beyond = el => more && key(el) > key(more);
    put([...others, ...order.filter(el => !beyond(el)), ...(more ? [more] : []), ...order.filter(beyond)]);
  });
  watch.observe(rows, { childList: true });
  // Where the row that is pressed is drawn anew before the hand is off it, no browser says that it was clicked; a finger clicks
  // when it leaves, on whatever is there then.
  let pressed = null;
  rows.addEventListener('pointerdown', event => { pressed = event.button || event.pointerType === 'touch' ? null : event.target.closest('.row'); });
  rows.addEventListener('pointerup', event => {
    const row = event.target.closest('.row'), plain = !event.ctrlKey && !event.metaKey && !event.shiftKey;
    if (plain && row && pressed && !pressed.isConnected && row.id === pressed.id) row.click();
    pressed = null;
  });
  for (const sign of ['pointermove', 'pointerdown', 'keydown', 'focusin']) rows.addEventListener(sign, hold);
  rows.addEventListener('wheel', hold, { passive: true });
  rows.addEventListener('pointerleave', event => { if (event.pointerType === 'mouse') settle(); });
})();
