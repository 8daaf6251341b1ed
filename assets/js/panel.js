// Panels: a form that stands on a page of its own comes to where one is, and goes away again. Without this the link leads to
// the page.
document.addEventListener('click', async event => {
  const link = event.target.closest && event.target.closest('a[data-panel], a[data-dismiss]');
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  if (link.dataset.dismiss) {
    link.closest(link.dataset.dismiss).remove();
    // What was said of a form goes with it, but not what was said of an answer.
    const problem = document.getElementById('problem');
    if (problem && !problem.querySelector('[form=f]')) problem.textContent = '';
    return;
  }
  const menu = link.closest('details'), place = document.querySelector(link.dataset.panel || '#act');
  if (menu) menu.open = false;
  const answer = await fetch(link.href, { headers: { 'HX-Request': 'true' } }).catch(() => null);
  if (!answer || !answer.ok) {
    location.href = link.href;
    return;
  }
  await htmx.swap({ sourceElement: place, target: place, swap: 'innerHTML', text: await answer.text() });
  const first = place.querySelector('[autofocus], select, input:not([type=hidden]), textarea, button');
  if (first) first.focus();
});
