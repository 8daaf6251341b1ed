// The contact beside a conversation, where there is no room beside it: a drawer that a button opens, and the same or Escape
// closes. Without this file the button leads to the page of the contact.
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
})();
