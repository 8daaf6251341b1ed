// Panels: a form that stands on a page of its own comes to where one is, and goes away again: by its own link, by the same link
// where that stays in sight, by Escape (`keys.js`). Without this the link leads to the page.
(() => {
  const openers = new WeakMap();
  const tell = (link, open) => { if (link.hasAttribute('aria-expanded')) link.setAttribute('aria-expanded', open); };
  function leave(panel) {
    const opener = openers.get(panel.parentElement);
    panel.remove();
    // What was said of a form goes with it, but not what was said of an answer.
    const problem = document.getElementById('problem');
    if (problem && !problem.querySelector('[form=f]')) problem.textContent = '';
    if (!opener || !opener.isConnected) return;
    tell(opener, false);
    const menu = opener.closest('details.menu');
    (menu ? menu.querySelector('summary') : opener).focus();
  }
  document.addEventListener('click', async event => {
    const link = event.target.closest && event.target.closest('a[data-panel], a[data-dismiss]');
    // On a page of its own there is nothing to go back to but the address.
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey || link.closest('.settings')) return;
    event.preventDefault();
    if (link.dataset.dismiss) {
      leave(link.closest(link.dataset.dismiss));
      return;
    }
    const menu = link.closest('details'), place = document.querySelector(link.dataset.panel || '#act');
    if (menu) menu.open = false;
    if (link.getAttribute('aria-expanded') === 'true') {
      leave(place.firstElementChild);
      return;
    }
    const answer = await fetch(link.href, { headers: { 'HX-Request': 'true' } }).catch(() => null);
    const text = answer && answer.ok && await answer.text().catch(() => '');
    if (!text) {
      location.href = link.href;
      return;
    }
    await htmx.swap({ sourceElement: place, target: place, swap: 'innerHTML', text });
    openers.set(place, link);
    tell(link, true);
    const first = place.querySelector('[autofocus]') || place.querySelector('a, select, input:not([type=hidden]), textarea, button');
    if (first) first.focus();
  });
})();
