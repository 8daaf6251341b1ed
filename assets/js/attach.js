// Files that are chosen, pasted or dropped: what brings them is loaded with the first.
for (const name of ['change', 'paste', 'drop', 'dragover']) document.addEventListener(name, event => {
  const from = event.clipboardData || event.dataTransfer || event.target, form = document.getElementById('f');
  if (!form || !form.dataset.upload) return;
  // What is dragged says what it is, and not yet which.
  if (name === 'dragover' ? from.types.includes('Files') : from.files && from.files.length) {
    event.preventDefault();
    const files = [...from.files];
    if (files.length) import(form.dataset.upload).then(it => it.upload(form, files));
    if (name === 'change') from.value = '';
  }
});
