// What goes with an unsent answer, its files and what it quotes, stands in the address: a page that is loaded again, or comes back
// after the tab died, has it drawn by the server.
(() => {
  const composer = () => document.querySelector('form[data-draft]');
  function note() {
    const form = composer(), url = new URL(location);
    // While another conversation comes the address still is that of the one before.
    if (!form || url.pathname !== new URL(form.action).pathname.replace(/\/messages$/, '')) return;
    const quote = form.querySelector(':scope > .quote input');
    url.searchParams.delete('file');
    url.searchParams.delete('quote');
    for (const { value } of form.querySelectorAll('#chips [name=file_id]')) url.searchParams.append('file', value);
    if (quote) url.searchParams.set('quote', quote.value);
    if (url.href !== location.href) history.replaceState(history.state, '', url);
  }
  // Those that the server drew can be taken away again, too.
  function equip(form) {
    for (const chip of form.querySelectorAll('#chips > li:not(:has(button))')) {
      const cross = chip.querySelector('svg').cloneNode(true), use = cross.querySelector('use'), remove = document.createElement('button');
      use.setAttribute('href', use.getAttribute('href').replace(/#.*/, '#x'));
      remove.type = 'button';
      remove.className = 'btn btn-i';
      remove.setAttribute('aria-label', form.dataset.remove.replace('%', chip.querySelector('span').textContent));
      remove.append(cross);
      remove.addEventListener('click', () => {
        chip.remove();
        form.elements.body.required = !form.querySelector('[name=file_id], .coming');
        form.elements.body.focus();
      });
      chip.append(remove);
    }
  }
  const changes = new MutationObserver(note);
  let last = null;
  function look() {
    const form = composer();
    if (form && form !== last) {
      equip(form);
      changes.disconnect();
      changes.observe(form, { childList: true, subtree: true });
    }
    last = form;
    note();
  }
  for (const then of ['htmx:after:swap', 'htmx:after:history:push', 'htmx:after:history:replace']) document.addEventListener(then, look);
  look();
})();
