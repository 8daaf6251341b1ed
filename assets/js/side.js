// The contact beside a conversation: follows what becomes of it, and where there is no room beside it, is a drawer that a button opens,
// and the same or Escape closes. Without this file the button leads to the page of the contact.
(() => {
  const side = () => document.querySelector('#conv .side');
  const isDrawer = () => matchMedia('(max-width: 1180px)').matches;
  function turn(open) {
    const panel = side();
    panel.classList.toggle('open', open);
    for (const button of document.querySelectorAll('.side-open')) button.setAttribute('aria-expanded', open);
    if (open) panel.focus();
    else document.querySelector('.side-open').focus();
  }
  document.addEventListener('click', event => {
    const button = event.target.closest && event.target.closest('[data-side]');
    if (!button || !side() || !isDrawer() || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    turn(!side().classList.contains('open'));
  });
  document.addEventListener('keydown', event => {
    if (event.key !== 'Escape' || !isDrawer() || !side() || !side().classList.contains('open')) return;
    event.preventDefault();
    turn(false);
  });

  // What colleagues note and where the visitor goes comes as it happens: each part that is another by now, but for one in which somebody
  // is at work, which comes once that is done.
  const busy = part => part.matches(':focus-within, [data-paged]') || part.querySelector('details[open]')
    || [...part.querySelectorAll('input, textarea')].some(box => box.value !== box.defaultValue);
  let fetching = false, wanted = false, stale = false;
  async function renew() {
    if (fetching) { wanted = true; return; }
    fetching = true;
    do {
      wanted = false;
      const panel = side();
      // One that is being fetched may be so as it was.
      stale = !!panel && !panel.querySelector('#side-identity');
      if (!panel || stale) break;
      const answer = await fetch(panel.getAttribute('hx-get'), { headers: { 'HX-Request': 'true' } }).catch(() => null);
      const text = answer && answer.ok && await answer.text().catch(() => '');
      if (!text) { stale = true; break; }
      const fresh = new DOMParser().parseFromString(text, 'text/html');
      for (const part of fresh.querySelectorAll('section[id]')) {
        const target = panel.isConnected && panel.querySelector('#' + part.id);
        if (!target || target.textContent === part.textContent) continue;
        if (busy(target)) stale = true;
        else await htmx.swap({ sourceElement: target, target, swap: 'outerHTML', text: part.outerHTML });
      }
    } while (wanted);
    fetching = false;
  }
  document.addEventListener('contact', event => {
    const open = document.querySelector('#conv[data-cid]');
    if (open && String(JSON.parse(event.detail.data).conversation) === open.dataset.cid) renew();
  });
  // Where the line was cut, nobody knows what was missed.
  let synced = false;
  document.addEventListener('synced', () => { if (synced) renew(); synced = true; });
  const again = ({ target }) => { if (stale && target.closest && target.closest('.side')) setTimeout(renew); };
  for (const sign of ['focusout', 'toggle']) document.addEventListener(sign, again, true);
  document.addEventListener('htmx:after:swap', event => { if (!fetching) again(event); });
})();
