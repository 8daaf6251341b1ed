// Buttons that copy what stands in a field: shown only where this runs, since one can always mark the field by hand.
(() => {
  for (const button of document.querySelectorAll('[data-copy]')) button.hidden = false;
  document.addEventListener('click', async event => {
    const button = event.target.closest && event.target.closest('[data-copy]');
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    // Pages without TLS have no clipboard.
    try { await navigator.clipboard.writeText(field.value); } catch { document.execCommand('copy'); }
    button.textContent = button.dataset.copied;
  });
})();
