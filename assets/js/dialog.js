// A link with `data-dialog` opens in a dialog of that title what it leads to, and a menu closes when one looks elsewhere.
(() => {
  const dialog = document.getElementById('dialog'), box = document.getElementById('dialog-body');
  if (!dialog) return;
  document.addEventListener('click', async event => {
    for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(event.target)) menu.open = false;
    const link = event.target.closest('a[data-dialog]');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    const answer = await fetch(link.href, { headers: { 'HX-Request': 'true', 'HX-Request-Type': 'partial' } }).catch(() => null);
    // Whoever is signed out is led to the door.
    const text = answer && answer.ok && !answer.redirected && await answer.text().catch(() => '');
    if (!text) { location.href = link.href; return; }
    await htmx.swap({ sourceElement: box, target: box, swap: 'innerHTML', text });
    document.getElementById('dialog-title').textContent = link.dataset.dialog;
    for (const menu of document.querySelectorAll('details.menu[open]')) menu.open = false;
    if (!dialog.open) dialog.showModal();
  });
  dialog.addEventListener('click', event => { if (event.target === dialog) dialog.close(); });
})();
