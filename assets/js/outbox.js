// The outbox: a message keeps its nonce until the server has it, so a repeat is the same send. What waits survives a reload
// and a look at another conversation, and leaves in order, one at a time.
(() => {
  const store = 'kefu-outbox ' + location.pathname.replace(/^\/desk\/.*/, '/desk');
  const waiting = [];
  let sending = false, pause = 500;
  const composer = () => document.getElementById('f');
  const log = message => document.getElementById(message.log);
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
  // Of several of one name the first.
  const said = (message, name) => new URLSearchParams(message.fields).get(name);
  const keep = () => { try { sessionStorage.setItem(store, JSON.stringify(waiting.map(({ action, log, fields }) => ({ action, log, fields })))); } catch { /* the page itself holds them */ } };
  function set(box, text) { box.value = text; box.dispatchEvent(new Event('input', { bubbles: true })); }

  document.addEventListener('submit', event => {
    const form = event.target, list = document.querySelector('ol.msgs');
    // An engine too old for htmx still posts the form; a first message opens the page of its conversation.
    if (!window.htmx || form.id !== 'f' || !list) return;
    event.preventDefault();
    const box = form.elements.body, button = event.submitter;
    const fields = [...new FormData(form)], chips = [...form.querySelectorAll('#chips > *')];
    if (!box.value.trim() && !fields.some(([name]) => name === 'file_id')) return;
    if (button && button.name) fields.push([button.name, button.value]);
    queue({ action: form.action, log: list.id, fields, chips });
    form.elements.nonce.value = fresh();
    for (const once of form.querySelectorAll('[data-once]')) once.remove();
    set(box, '');
    for (const chip of chips) chip.remove();
    box.required = true;
    document.getElementById('problem').textContent = '';
    list.closest('.pin').scrollTop = 0;
  });

  function queue(message) {
    waiting.push(message);
    draw(message);
    keep();
    send();
  }

  // A bubble for what is on its way; the server's own takes its place.
  function draw(message) {
    const list = log(message), form = composer();
    if (!list || !form) return;
    if (!message.line) {
      const line = message.line = document.createElement('li'), bubble = document.createElement('div'), state = document.createElement('span');
      line.className = `m me pending${said(message, 'kind') === 'note' ? ' note' : ''}`;
      line.dataset.seq = Number.MAX_SAFE_INTEGER;
      bubble.className = 'b';
      bubble.dir = 'auto';
      bubble.textContent = said(message, 'body') || (message.chips || []).map(chip => chip.querySelector('span').textContent).join(', ');
      state.className = 't';
      state.textContent = form.dataset.pending;
      line.append(bubble, state);
    }
    list.append(message.line);
    arrivals.observe(list, { childList: true });
  }
  // Another conversation was opened, perhaps one for which something waits.
  document.addEventListener('htmx:after:swap', () => { for (const message of waiting) if (!message.gone && !(message.line && message.line.isConnected)) draw(message); });

  function remove(message) {
    message.gone = true;
    if (message.line) message.line.remove();
  }

  // The stream may be faster than the answer: nobody sees a message twice.
  const arrivals = new MutationObserver(records => {
    const [first] = waiting;
    const own = node => {
      const bubble = node.id && node.matches('.m.me') && node.querySelector('.b');
      return bubble && bubble.textContent === said(first, 'body').trimEnd();
    };
    if (first && first.line && records.some(record => [...record.addedNodes].some(own))) remove(first);
  });

  // What has no answer is asked again under its nonce; what was refused waits for its writer.
  async function send() {
    if (sending || !waiting.length) return;
    sending = true;
    const [message] = waiting, outcome = await post(message);
    if (outcome === 'later') {
      message.gone = false;
      if (!message.line || !message.line.isConnected) draw(message);
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
    const { action, fields } = message;
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 15000);
    let answer, text;
    try {
      answer = await fetch(action, { method: 'POST', body: new URLSearchParams(fields), headers: { 'HX-Request': 'true' }, keepalive: true, signal: stop.signal });
      text = await answer.text();
    } catch { return 'later'; } finally { clearTimeout(timer); }
    if (answer.status >= 500) return 'later';
    document.dispatchEvent(new Event('kf:alive'));
    if (answer.ok) remove(message);
    const form = composer(), here = form && form.action === action;
    if (form && (answer.ok || here)) {
      const nonce = form.elements.nonce.value;
      await htmx.swap({ sourceElement: form, target: form, swap: 'none', text });
      // The next message may be waiting under the form's nonce already: ours stays.
      form.elements.nonce.value = nonce;
    }
    if (answer.status === 429) {
      pause = 1000 * (+answer.headers.get('Retry-After') || 5);
      return 'later';
    }
    return answer.ok ? 'sent' : 'refused';
  }

  function refuse(message) {
    const { action, fields, line } = message, form = composer();
    if (!form || form.action !== action) {
      // Another conversation is open: there it will stand as a draft, as kept.js keeps one.
      try { sessionStorage.setItem('kefu-draft ' + new URL(action).pathname, ['kind', 'body'].map(name => said(message, name)).filter(part => part !== null).join('\n')); } catch { /* nowhere else to keep it */ }
      return;
    }
    if (!form.elements.body.value) {
      if (line) line.remove();
      if (form.elements.kind) form.elements.kind.value = said(message, 'kind');
      set(form.elements.body, said(message, 'body'));
      form.querySelector('#chips').append(...message.chips || []);
      form.elements.body.required = !form.querySelector('[name=file_id]');
      return;
    }
    const state = line.lastChild, retry = document.createElement('button');
    line.className = line.className.replace('pending', 'fail');
    state.textContent = form.dataset.fail + ' ';
    retry.type = 'button';
    retry.className = 'retry';
    retry.textContent = form.dataset.retry;
    retry.addEventListener('click', () => {
      line.remove();
      document.getElementById('problem').textContent = '';
      // Whoever sends it again has seen what was answered meanwhile.
      const again = fields.filter(([name]) => name !== 'seen_seq').map(([name, value]) => [name, name === 'nonce' ? fresh() : value]);
      queue({ action, log: message.log, chips: message.chips, fields: again });
    });
    state.append(retry);
  }

  addEventListener('online', () => { pause = 500; });
  addEventListener('DOMContentLoaded', () => {
    try { JSON.parse(sessionStorage.getItem(store) || '[]').forEach(queue); } catch { /* nothing was waiting */ }
  });
})();
