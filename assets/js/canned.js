// Canned replies over the composer: opened by its button or by a slash (、 where a Chinese input method has it) on an empty line,
// searched and drawn by the server, chosen by keys or pointer. Without this file the button is a link to a page of them.
(() => {
  const box = () => document.getElementById('canned');
  const body = () => document.getElementById('body');
  const search = () => box().querySelector('[role=combobox]');
  const options = () => [...box().querySelectorAll('[role=option]')];
  // Whether the character before the caret opened the list, and so is replaced by what is chosen.
  let slash = false, timer = 0, asking;
  // What the options answer; who presses Enter before they answer what is typed gets the first of those that will.
  let answered = null, hasty = false;

  function open(bySlash) {
    slash = bySlash;
    box().hidden = false;
    box().querySelector('#canned-offers').textContent = '';
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
    field.setRangeText(text.words, text.chosen && slash ? at - 1 : field.selectionStart, at, 'end');
    field.dispatchEvent(new Event('input', { bubbles: true }));
  }

  async function ask() {
    clearTimeout(timer);
    if (asking) asking.abort();
    const { signal } = asking = new AbortController(), place = box().querySelector('#canned-offers');
    const query = search().value, url = `${box().dataset.from}&q=${encodeURIComponent(query)}`;
    const answer = await fetch(url, { headers: { 'HX-Request': 'true' }, signal }).catch(() => null);
    if (!answer || !answer.ok) return;
    const html = await answer.text().catch(() => '');
    if (signal.aborted) return;
    place.innerHTML = html;
    answered = query;
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
    if (option) close({ words: option.querySelector('small').textContent, chosen: true });
  }

  // An input method writes by itself until its word is whole, and then says so in its own way.
  function typed(event) {
    const field = event.target;
    if (field.id !== 'body' || !box() || !box().hidden || event.isComposing || !/^[/／、]$/.test(event.data || '')) return;
    const at = field.selectionStart, line = field.value.slice(0, at - 1), rest = field.value.slice(at);
    if ((!line || line.endsWith('\n')) && (!rest || rest.startsWith('\n'))) open(true);
  }
  document.addEventListener('compositionend', event => setTimeout(typed, 0, event));
  document.addEventListener('input', event => {
    if (box() && event.target === search()) {
      hasty = false;
      clearTimeout(timer);
      timer = setTimeout(ask, 120);
    }
    else typed(event);
  });

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
    else if (key === 'Escape') close({ words: slash ? search().value : '' });
    else if (key === 'Backspace' && slash && !search().value) close({ words: '', chosen: true });
    else return;
    event.preventDefault();
    event.stopPropagation();
  }, true);
  document.addEventListener('click', event => {
    const button = event.target.closest('#canned-open');
    if (button && box() && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      event.preventDefault();
      if (box().hidden) open(false);
      else close();
    } else if (box() && !box().hidden) {
      if (box().contains(event.target)) insert(event.target.closest('[role=option]'));
      else box().hidden = true;
    }
  });
})();
