// The list goes on: what comes after the rows that stand there is put below them. Without this the link leads to a page of its
// own.
(() => {
  const rows = document.getElementById('rows');
  if (!rows) return;
  // What the stream tells of a row while others are on their way is newer than they are.
  let told = null;
  document.addEventListener('hint', event => { if (told) told.add('c-' + JSON.parse(event.detail.data).conversation); });
  rows.addEventListener('click', async event => {
    const link = event.target.closest('#more a');
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    if (told) return;
    told = new Set();
    const answer = await fetch(link.href, { headers: { 'HX-Request': 'true', 'HX-Request-Type': 'partial' } }).catch(() => null);
    const text = answer && answer.ok && !answer.redirected && await answer.text().catch(() => '');
    if (!text) {
      location.href = link.href;
      return;
    }
    const page = document.createElement('template'), stood = new Set([...rows.querySelectorAll('.row')].map(row => row.id));
    page.innerHTML = text;
    for (const id of told) for (const row of page.content.querySelectorAll('#' + id)) row.remove();
    told = null;
    const went = document.activeElement === link;
    await htmx.swap({ sourceElement: rows, target: rows, swap: 'none', text: page.innerHTML });
    // The link is gone: whoever pressed it goes on with what it brought.
    const first = went && [...rows.querySelectorAll('.row')].find(row => !stood.has(row.id) && !row.hidden);
    if (first) first.focus({ preventScroll: true });
  });
})();
