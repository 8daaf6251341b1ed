// The visitor's composer. A message keeps its nonce until the server has it, so a repeat is the same send; what waits
// survives a reload.
(() => {
  const form = document.querySelector('form[data-composer]');
  if (!form) return;
  const box = form.elements.body, button = form.querySelector('button'), log = document.getElementById('log');
  const problem = document.getElementById('problem');

  // Enter sends, except where it ends a word of an input method (keyCode 229) or where keyboards have no Shift.
  box.addEventListener('keydown', event => {
    if (event.key !== 'Enter' || event.shiftKey || event.isComposing || event.keyCode === 229) return;
    if (matchMedia('(pointer: coarse)').matches) return;
    event.preventDefault();
    form.requestSubmit();
  });
  // A phone's keyboard must not bounce when the button takes the focus.
  button.addEventListener('pointerdown', event => event.preventDefault());
  if (!CSS.supports('field-sizing', 'content')) box.addEventListener('input', () => {
    box.style.height = 'auto';
    box.style.height = Math.min(box.scrollHeight + 2, 160) + 'px';
  });

  // Where a keyboard covers the page (iOS) the sheet ends above it. A zoomed page is left as it is.
  const view = window.visualViewport, root = document.documentElement;
  if (view) view.addEventListener('resize', () => {
    if (view.scale !== 1) return;
    root.style.setProperty('--vvh', `${view.height}px`);
    root.toggleAttribute('data-vvh', view.height < innerHeight - 1);
  });

  // The first message opens the conversation's page; the form does that by itself, once.
  if (!log) {
    form.addEventListener('submit', () => setTimeout(() => { button.disabled = true; }));
    addEventListener('pageshow', () => { button.disabled = false; });
    return;
  }

  const store = 'kefu-outbox ' + location.pathname;
  const waiting = [];
  let sending = false, pause = 500;
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
  const keep = () => { try { sessionStorage.setItem(store, JSON.stringify(waiting.map(({ nonce, body }) => ({ nonce, body })))); } catch { /* the page itself holds them */ } };
  function set(text) { box.value = text; box.dispatchEvent(new Event('input', { bubbles: true })); }

  form.addEventListener('submit', event => {
    // An engine too old for htmx still posts the form.
    if (!window.htmx) return;
    event.preventDefault();
    if (!box.value.trim()) return;
    queue({ nonce: form.elements.nonce.value, body: box.value });
    form.elements.nonce.value = fresh();
    set('');
    problem.textContent = '';
    document.getElementById('pin').scrollTop = 0;
  });

  function queue(message) {
    message.line = draw(message);
    waiting.push(message);
    keep();
    send();
  }

  // A bubble for what is on its way; the server's own takes its place.
  function draw(message) {
    const line = document.createElement('li'), bubble = document.createElement('div'), state = document.createElement('span');
    line.className = 'm me pending';
    line.dataset.seq = Number.MAX_SAFE_INTEGER;
    bubble.className = 'b';
    bubble.dir = 'auto';
    bubble.textContent = message.body;
    state.className = 't';
    state.textContent = form.dataset.pending;
    line.append(bubble, state);
    log.append(line);
    return line;
  }

  // The stream may be faster than the answer: nobody sees a message twice.
  new MutationObserver(records => {
    const own = node => node.id && node.matches('.m.me') && node.querySelector('.b').textContent === waiting[0].body.trimEnd();
    if (waiting.length && records.some(record => [...record.addedNodes].some(own))) waiting[0].line.remove();
  }).observe(log, { childList: true });

  // One at a time, in order. What has no answer is asked again under its nonce; what was refused waits for its writer.
  async function send() {
    if (sending || !waiting.length) return;
    sending = true;
    const message = waiting[0], outcome = await post(message);
    if (outcome === 'later') {
      if (!message.line.isConnected) log.append(message.line);
      setTimeout(() => { sending = false; send(); }, pause * (.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
      return;
    }
    pause = 500;
    waiting.shift();
    keep();
    if (outcome === 'refused') refuse(message);
    sending = false;
    send();
  }

  async function post(message) {
    const body = new URLSearchParams({ nonce: message.nonce, body: message.body });
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 15000);
    let answer, text;
    try {
      answer = await fetch(form.action, { method: 'POST', body, headers: { 'HX-Request': 'true' }, signal: stop.signal });
      text = await answer.text();
    } catch { return 'later'; } finally { clearTimeout(timer); }
    if (answer.status >= 500) return 'later';
    document.dispatchEvent(new Event('kf:alive'));
    if (answer.ok) message.line.remove();
    const nonce = form.elements.nonce.value;
    await htmx.swap({ sourceElement: form, target: form, swap: 'none', text });
    // The next message may be waiting under the form's nonce already: ours stays.
    form.elements.nonce.value = nonce;
    if (answer.status === 429) {
      pause = 1000 * (+answer.headers.get('Retry-After') || 5);
      return 'later';
    }
    return answer.ok ? 'sent' : 'refused';
  }

  function refuse(message) {
    if (!box.value) {
      message.line.remove();
      set(message.body);
      return;
    }
    const state = message.line.lastChild, retry = document.createElement('button');
    message.line.className = 'm me fail';
    state.textContent = form.dataset.fail + ' ';
    retry.type = 'button';
    retry.className = 'retry';
    retry.textContent = form.dataset.retry;
    retry.addEventListener('click', () => {
      message.line.remove();
      problem.textContent = '';
      queue({ nonce: fresh(), body: message.body });
    });
    state.append(retry);
  }

  addEventListener('online', () => { pause = 500; });
  addEventListener('DOMContentLoaded', () => {
    try { JSON.parse(sessionStorage.getItem(store) || '[]').forEach(queue); } catch { /* nothing was waiting */ }
  });
})();
