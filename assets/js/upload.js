// Brings files to the server at once, each with a chip that shows how far it is, and names them in the form.
const SHRUNK = 1_000_000, EDGE = 1600;
let coming = 0, held = null;

export function upload(form, files) {
  for (const file of files) bring(form, file, document.getElementById('up').action);
}

// A message leaves with its chips (outbox.js), and waits for `brought`; whoever sends again what failed brings it `again`.
function bring(form, file, to) {
  const chip = draw(form, file), [state, retry, remove] = chip.querySelectorAll('small, button');
  let stop;
  chip.again = () => { if (!stop || chip.matches('.bad')) chip.brought = go(); };
  async function go() {
    stop = new AbortController();
    chip.className = 'file coming';
    state.removeAttribute('role');
    state.textContent = size(file.size);
    retry.hidden = true;
    coming++;
    try {
      const id = await send(form, await shrunk(file), to, chip, stop.signal), field = document.createElement('input');
      Object.assign(field, { type: 'hidden', name: 'file_id', value: id });
      chip.append(field);
      chip.className = 'file';
    } catch (error) {
      chip.className = 'file bad';
      state.setAttribute('role', 'alert');
      state.textContent = error.message;
      retry.hidden = !error.again;
      held = null;
    }
    coming--;
    settle(chip);
    if (held && !coming) held.submit();
  }
  retry.addEventListener('click', () => { chip.again(); settle(chip); });
  remove.addEventListener('click', () => {
    const { form } = document.getElementById('body');
    stop.abort();
    chip.remove();
    settle(form);
    form.elements.body.focus();
  });
  chip.again();
  settle(chip);
}

// What has a file needs no words.
function settle(within) {
  const form = within.closest('form');
  if (form) form.elements.body.required = !form.querySelector('[name=file_id], .coming');
}
// What is on its way would be lost with the page. Where an engine is too old for htmx, and so for the outbox, a message leaves by
// its form, which waits for the last of its files; one that could not be brought is looked at first.
addEventListener('beforeunload', event => { if (coming) event.preventDefault(); });
document.addEventListener('submit', event => {
  if (window.htmx || event.target.id !== 'f' || !coming) return;
  event.preventDefault();
  held = event.target;
}, true);

function draw(form, file) {
  const chip = document.createElement('li'), name = document.createElement('span'), state = document.createElement('small');
  const [retry, remove] = ['', ' btn-i'].map(kind => Object.assign(document.createElement('button'), { type: 'button', className: 'btn' + kind }));
  const bar = document.createElement('progress');
  const cross = form.querySelector('svg.i').cloneNode(true), use = cross.querySelector('use');
  chip.className = 'file coming';
  const icon = cross.cloneNode(true), shape = icon.querySelector('use');
  shape.setAttribute('href', shape.getAttribute('href').replace(/#.*/, '#file'));
  chip.append(icon);
  if (/^image\/(png|jpeg|gif|webp)$/.test(file.type)) {
    const picture = document.createElement('img');
    picture.src = URL.createObjectURL(file);
    picture.alt = '';
    picture.onload = () => { icon.replaceWith(picture); URL.revokeObjectURL(picture.src); };
    picture.onerror = () => URL.revokeObjectURL(picture.src);
  }
  name.textContent = file.name;
  state.textContent = size(file.size);
  bar.max = 1;
  bar.value = 0;
  bar.setAttribute('aria-label', file.name);
  use.setAttribute('href', use.getAttribute('href').replace(/#.*/, '#x'));
  retry.textContent = form.dataset.retry;
  retry.hidden = true;
  remove.setAttribute('aria-label', form.dataset.remove.replace('%', file.name));
  remove.append(cross);
  chip.append(name, state, bar, retry, remove);
  form.querySelector('#chips').append(chip);
  return chip;
}

// A telephone's photograph is larger than anybody looks at.
async function shrunk(file) {
  if (file.size <= SHRUNK || !/^image\/(png|jpeg|webp)$/.test(file.type)) return file;
  try {
    const picture = await createImageBitmap(file, { imageOrientation: 'from-image' });
    const by = Math.min(1, EDGE / Math.max(picture.width, picture.height)), canvas = document.createElement('canvas');
    canvas.width = Math.round(picture.width * by);
    canvas.height = Math.round(picture.height * by);
    const ink = canvas.getContext('2d');
    ink.fillStyle = '#fff';
    ink.fillRect(0, 0, canvas.width, canvas.height);
    ink.drawImage(picture, 0, 0, canvas.width, canvas.height);
    const blob = await new Promise(done => canvas.toBlob(done, 'image/jpeg', .85));
    if (blob && blob.size < file.size) return new File([blob], file.name.replace(/\.\w+$/, '') + '.jpg', { type: 'image/jpeg' });
  } catch { /* the server says what is wrong with it */ }
  return file;
}

function send(form, file, to, chip, stop) {
  const words = new FormData(), bar = chip.querySelector('progress'), state = chip.querySelector('small');
  words.append('file', file, file.name);
  return new Promise((done, fail) => {
    const line = new XMLHttpRequest();
    const cut = () => fail(Object.assign(new Error(form.dataset.fail), { again: true }));
    line.open('POST', to);
    line.setRequestHeader('Accept', 'application/json');
    line.upload.onprogress = ({ loaded, total }) => { bar.value = loaded / total; };
    line.onerror = line.onabort = cut;
    line.onload = () => {
      let answer = {};
      try { answer = JSON.parse(line.responseText); } catch { return cut(); }
      // What is too much now may be right in a minute; what is no picture never is.
      const again = line.status === 429 || line.status >= 500;
      if (line.status !== 200) return fail(Object.assign(new Error(answer.error ? answer.error.message : form.dataset.fail), { again }));
      const [brought] = answer.files;
      chip.querySelector('span').textContent = brought.name;
      state.textContent = size(brought.size);
      done(brought.id);
    };
    stop.addEventListener('abort', () => line.abort());
    line.send(words);
  });
}

function size(bytes) {
  return bytes < 1e3 ? `${bytes} B` : bytes < 1e6 ? `${Math.round(bytes / 1e3)} KB` : `${(bytes / 1e6).toFixed(1)} MB`;
}
