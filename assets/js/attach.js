// Files that are chosen, pasted or dropped: what brings them is loaded with the first.
for (const name of ['change', 'paste', 'drop', 'dragover']) document.addEventListener(name, event => {
  const from = event.clipboardData || event.dataTransfer || event.target, form = document.getElementById('f');
  if (!form || !form.dataset.upload) return;
  // Office programs put a picture beside the words they copy; and what is pasted into another box is meant for that.
  const typed = event.target.form;
  if (name === 'paste' && ((typed && typed !== form) || ['text/plain', 'text/html'].every(type => from.types.includes(type)))) return;
  // What is dragged says what it is, and not yet which.
  if (name === 'dragover' ? from.types.includes('Files') : from.files && from.files.length) {
    event.preventDefault();
    const files = [...from.files];
    if (files.length) import(form.dataset.upload).then(it => it.upload(form, files));
    if (name === 'change') from.value = '';
  }
});
