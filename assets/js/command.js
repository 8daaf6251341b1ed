// Ctrl or Command and K, or its button, fetches the command palette, the first time with its script.
(() => {
  function open() {
    const place = document.getElementById('command');
    if (window.kfPalette) { window.kfPalette(); return; }
    if (place.dataset.asked) return;
    place.dataset.asked = '1';
    const script = document.createElement('script');
    script.src = place.dataset.script;
    script.onload = () => window.kfPalette();
    // Asked for once more the next time.
    script.onerror = () => { script.remove(); delete place.dataset.asked; };
    document.head.append(script);
  }
  document.addEventListener('keydown', event => {
    if (event.key.toLowerCase() !== 'k' || !(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    open();
  });
  const make = (name, more) => Object.assign(document.createElement(name), more);
  for (const place of document.querySelectorAll('[data-palette]')) {
    const title = place.dataset.palette, button = make('button', { type: 'button', title, onclick: open });
    button.setAttribute('aria-keyshortcuts', 'Control+K Meta+K');
    button.title += /^Mac/.test(navigator.platform) ? ' (⌘ K)' : ' (Ctrl K)';
    button.append(make('span', { className: 'sr', textContent: title }), place.firstElementChild);
    place.replaceWith(button);
  }
})();
