// Rows are chosen in the list: how many is said, and Shift chooses all up to a row. Without this they are chosen one by one.
(() => {
  const picks = document.getElementById('picks');
  if (!picks) return;
  const said = picks.closest('form').querySelector('[data-chosen]');
  let last = null;
  function count() {
    const chosen = picks.closest('form').querySelectorAll('[name=id]:checked, [name=id][type=hidden]').length;
    said.textContent = said.dataset.chosen.replace('%', chosen);
  }
  picks.addEventListener('click', event => {
    const box = event.target;
    if (!box.matches('input[type=checkbox]')) return;
    if (event.shiftKey && last) {
      const all = [...picks.querySelectorAll('input[type=checkbox]')];
      const [from, to] = [all.indexOf(last), all.indexOf(box)].sort((a, b) => a - b);
      for (const one of all.slice(from, to + 1)) one.checked = box.checked;
    }
    last = box;
    count();
  });
  // Whoever comes back finds her choice.
  addEventListener('pageshow', count);
})();
