// What is typed into the other forms of a conversation, as a note about its visitor or the reason of a block, comes back with its
// form, wherever one went meanwhile: until it is sent, or given up by the form's own button.
(() => {
  const store = 'kefu-typed';
  let typed = {};
  try { typed = JSON.parse(sessionStorage.getItem(store)) || {}; } catch { /* nothing was */ }
  const keep = () => { try { sessionStorage.setItem(store, JSON.stringify(typed)); } catch { /* the page itself holds it */ } };
  const BOX = 'textarea[name], input[name]:not([type=hidden], [type=checkbox], [type=radio], [type=file])';
  const isOurs = form => form && form.id !== 'f' && form.method === 'post' && form.closest('#conv');
  const name = box => `${new URL(box.form.action).pathname} ${box.name}`;

  document.addEventListener('input', ({ target }) => {
    if (!isOurs(target.form) || !target.matches(BOX)) return;
    typed[name(target)] = target.value;
    keep();
  });
  // Gives what was kept of it.
  function drop(form) {
    const had = {};
    for (const box of form.querySelectorAll(BOX)) if (name(box) in typed) {
      had[name(box)] = typed[name(box)];
      delete typed[name(box)];
    }
    keep();
    return had;
  }
  const sent = new WeakMap();
  document.addEventListener('submit', ({ target }) => { if (isOurs(target)) sent.set(target, drop(target)); });
  for (const sign of ['htmx:response:error', 'htmx:error']) document.addEventListener(sign, ({ target }) => {
    Object.assign(typed, sent.get(target));
    keep();
  });
  document.addEventListener('click', ({ target }) => {
    const link = target.closest && target.closest('#conv [data-dismiss]');
    if (link) for (const form of link.closest(link.dataset.dismiss).querySelectorAll('form')) drop(form);
  }, true);

  function restore() {
    for (const box of document.querySelectorAll(`#conv :is(${BOX})`)) {
      const was = isOurs(box.form) ? typed[name(box)] : undefined;
      if (was === undefined || box.value !== box.defaultValue || was === box.value) continue;
      box.value = was;
      const fold = box.closest('details');
      if (fold) fold.open = true;
    }
  }
  document.addEventListener('htmx:after:swap', restore);
})();
