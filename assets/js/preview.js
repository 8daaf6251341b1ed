// How the chat would look, beside the form that says so: drawn anew as one types. Without it a button draws it.
(() => {
  const form = document.querySelector('form[data-preview]'), frame = document.getElementById('preview');
  if (!form || !frame) return;
  let shown = form.elements.language.value, due;
  const button = form.querySelector('[formtarget]'), hint = document.getElementById('color-h');
  button.hidden = true;
  // What is not seen in it stays at home, so that its address is short.
  const seen = name => !/^(origins|zone|team)$/.test(name) && !name.endsWith(shown === 'en' ? '_zh' : '_en');
  function draw() {
    const fields = new URLSearchParams([...new FormData(form)].filter(([name]) => seen(name)));
    fields.set('shown', shown);
    // No step of its own on the way back.
    frame.contentWindow.location.replace(`${button.formAction}?${fields}`);
  }
  form.addEventListener('input', ({ target }) => {
    if (/_(zh|en)$/.test(target.name)) shown = target.lang;
    else if (target.name === 'language') shown = target.value;
    clearTimeout(due);
    due = setTimeout(draw, 200);
  });
  frame.addEventListener('load', () => {
    const contrast = frame.contentDocument.getElementById('contrast');
    if (contrast && hint) hint.textContent = contrast.textContent;
  });
})();
