// A visitor's draft: what is being typed survives a reload and a crash. The desk has kept.js in its place.
(() => {
  const key = form => 'kefu-draft ' + new URL(form.action).pathname;
  const read = name => { try { return sessionStorage.getItem(name); } catch { return null; } };
  const write = (name, text) => { try { text ? sessionStorage.setItem(name, text) : sessionStorage.removeItem(name); } catch { /* private mode: the page itself still holds it */ } };

  document.addEventListener('input', event => {
    const form = event.target.form;
    if (form && form.id === 'f' && event.target.name === 'body') write(key(form), event.target.value);
  });
  function restore() {
    const form = document.getElementById('f');
    if (!form || !form.elements.body || form.dataset.drafted) return;
    form.dataset.drafted = '1';
    if (!form.elements.body.value) form.elements.body.value = read(key(form)) || '';
  }
  // A first message leaves its page; should it come back with an error, the server fills the form.
  document.addEventListener('submit', event => { if (event.target.id === 'f' && !event.defaultPrevented) write(key(event.target), ''); });
  document.addEventListener('htmx:after:swap', restore);
  restore();
})();
