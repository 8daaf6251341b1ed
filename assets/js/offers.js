// What is offered over the composer, searched and drawn by the server, chosen by keys or pointer: canned replies, opened by their
// button or by a slash (、 where a Chinese input method has it) on an empty line; and whom a note may call, behind @. Without this
// file the button is a link to a page of replies, and names are written out.
(() => {
  // The list that is open, or was last.
  let name = 'canned';
  const box = () => document.getElementById(name);
  const body = () => document.getElementById('body');
  const search = () => box().querySelector('[role=combobox]');
  const options = () => [...box().querySelectorAll('[role=option]')];
  // Whether the character before the caret opened the list, and so is replaced by what is chosen.
  let sign = false, timer = 0, asking;
  // What the options answer; who presses Enter before they answer what is typed gets the first of those that will.
  let answered = null, hasty = false, composing = false;

  function open(list, bySign) {
    [name, sign] = [list, bySign];
    box().hidden = false;
    box().querySelector('.offers').textContent = '';
    search().value = '';
    answered = null;
    search().focus();
    ask();
  }
  function close(text) {
    const field = body(), at = field.selectionEnd;
    box().hidden = true;
    clearTimeout(timer);
    hasty = false;
    if (asking) asking.abort();
    field.focus();
    if (!text) return;
    field.setRangeText(text.words, text.chosen && sign ? at - 1 : field.selectionStart, at, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function ask() {
    clearTimeout(timer);
    if (asking) asking.abort();
    const { signal } = asking = new AbortController(), place = box().querySelector('.offers');
    const query = search().value, url = box().dataset.from + encodeURIComponent(query);
    const answer = await fetch(url, { headers: { 'HX-Request': 'true' }, signal }).catch(() => null);
    if (!answer || !answer.ok) return;
    const html = await answer.text().catch(() => '');
    if (signal.aborted) return;
    place.innerHTML = html;
    answered = query;
    // Nobody is called so: what was typed is no name.
    if (name === 'callees' && query && !composing && !box().hidden && !options().length) { close({ words: search().value }); return; }
    mark(0);
    if (hasty) insert(options()[0]);
    hasty = false;
  }
  function mark(index) {
    const all = options();
    all.forEach((option, at) => option.setAttribute('aria-selected', at === index));
    search().setAttribute('aria-activedescendant', all[index] ? all[index].id : '');
    if (all[index]) all[index].scrollIntoView({ block: 'nearest' });
  }
  function insert(option) {
    if (option) close({ words: name === 'canned' ? option.querySelector('small').textContent : `@${option.textContent} `, chosen: true });
  }

  // An input method writes by itself until its word is whole, and then says so in its own way.
  function typed(event) {
    const field = event.target, { data } = event;
    if (field.id !== 'body' || !box().hidden || event.isComposing || !data) return;
    const at = field.selectionStart, before = field.value.slice(0, at - 1), rest = field.value.slice(at);
    if (/^[/／、]$/.test(data) && /(^|\n)$/.test(before) && /^(\n|$)/.test(rest)) open('canned', true);
    // Within a word it is an address.
    if (/^[@＠]$/.test(data) && field.form.elements.kind.value === 'note' && !/[\w.+-]$/.test(before)) open('callees', true);
  }
  function changed(event) {
    if (!box()) return;
    if (event.target !== search()) { typed(event); return; }
    [hasty, composing] = [false, event.isComposing];
    clearTimeout(timer);
    timer = setTimeout(ask, 120);
  }
  document.addEventListener('compositionend', event => setTimeout(changed, 0, event));
  document.addEventListener('input', changed);

  document.addEventListener('keydown', event => {
    if (!box() || event.target !== search() || event.isComposing || event.keyCode === 229) return;
    const all = options(), at = all.findIndex(option => option.getAttribute('aria-selected') === 'true');
    const { key } = event, step = { ArrowDown: 1, ArrowUp: -1 }[key];
    if (step && all.length) mark((at + step + all.length) % all.length);
    else if (key === 'Enter' || key === 'Tab' && !event.shiftKey) {
      hasty = answered !== search().value;
      if (hasty) ask();
      else insert(all[at]);
    }
    // What was meant to be written and not searched is written.
    else if (key === 'Escape') close({ words: sign ? search().value : '' });
    else if (key === 'Backspace' && sign && !search().value) close({ words: '', chosen: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener('click', event => {
    const button = event.target.closest('#canned-open');
    if (button && box() && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (box().hidden) open('canned', false);
      else close();
    } else if (box() && !box().hidden) {
      if (box().contains(event.target)) insert(event.target.closest('[role=option]'));
      else box().hidden = true;
    }
  });
})();
