// Emoji at the caret, from a sheet that the server draws when it is first opened. Without scripts there is no button.
(() => {
  const sheet = () => document.getElementById('emoji');
  const button = () => document.getElementById('emoji-open');
  let drawn = '';
  document.documentElement.dataset.emoji = '';

  async function open() {
    const here = sheet();
    if (!drawn) {
      const answer = await fetch(here.dataset.from).catch(() => null);
      drawn = answer && answer.ok && await answer.text().catch(() => '') || '';
      if (!drawn) return;
    }
    if (!here.isConnected) return;
    if (!here.firstChild) here.innerHTML = drawn;
    here.show();
    button().setAttribute('aria-expanded', 'true');
    go(here.querySelector('button'));
  }
  function close() {
    sheet().close();
    button().setAttribute('aria-expanded', 'false');
  }
  // One of them is reached by Tab, the others from there by arrows.
  function go(to) {
    if (!to) return;
    for (const one of sheet().querySelectorAll('[tabindex="0"]')) one.tabIndex = -1;
    to.tabIndex = 0;
    to.focus();
  }

  document.addEventListener('click', event => {
    const here = sheet();
    if (!here) return;
    if (event.target.closest('#emoji-open')) return here.open ? close() : open();
    if (!here.open) return;
    if (!here.contains(event.target)) return close();
    const one = event.target.closest('button'), body = document.getElementById('body');
    if (!one) return;
    body.setRangeText(one.textContent, body.selectionStart, body.selectionEnd, 'end');
    body.dispatchEvent(new Event('input', { bubbles: true }));
    close();
    body.focus();
  });
  document.addEventListener('keydown', event => {
    const here = sheet();
    if (!here || !here.open || !here.contains(event.target)) return;
    const all = [...here.querySelectorAll('button')], at = all.indexOf(document.activeElement);
    const top = one => one.getBoundingClientRect().top, left = one => one.getBoundingClientRect().left;
    if (event.key === 'Escape') { close(); document.getElementById('body').focus(); }
    else if (event.key === 'ArrowRight') go(all[at + 1]);
    else if (event.key === 'ArrowLeft') go(all[at - 1]);
    else if (event.key === 'ArrowDown') go(all.slice(at).find(one => top(one) > top(all[at]) && left(one) >= left(all[at])) || all.at(-1));
    else if (event.key === 'ArrowUp') go(all.slice(0, at).reverse().find(one => top(one) < top(all[at]) && left(one) <= left(all[at])) || all[0]);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
})();
