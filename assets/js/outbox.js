// The outbox: a message keeps its nonce until the server has it, so a repeat is the same send. What waits survives a reload
// and a look at another conversation, and leaves in order, one at a time; what was refused waits where it belongs for its writer.
(() => {
  const store = 'kefu-outbox ' + location.pathname.replace(/^\/desk\/.*/, '/desk');
  const waiting = [], refused = [];
  let sending = false, pause = 500;
  const composer = () => document.getElementById('f');
  const log = message => document.getElementById(message.log);
  const fresh = () => Array.from(crypto.getRandomValues(new Uint8Array(16)), b => b.toString(16).padStart(2, '0')).join('');
  // Of several of one name the first.
  const said = (message, name) => new URLSearchParams(message.fields).get(name);
  // With the files that are there by now.
  const whole = ({ fields, chips }) => [...fields, ...chips.flatMap(chip => [...chip.querySelectorAll('input')].map(({ name, value }) => [name, value]))];
  const bare = message => ({ action: message.action, log: message.log, fields: whole(message) });
  const keep = () => { try { sessionStorage.setItem(store, JSON.stringify([waiting.map(bare), refused.map(bare)])); } catch { /* the page itself holds them */ } };
  function set(box, text) { box.value = text; box.dispatchEvent(new Event('input', { bubbles: true })); }

  document.addEventListener('submit', event => {
    const form = event.target, list = document.querySelector('ol.msgs');
    // An engine too old for htmx still posts the form; a first message opens the page of its conversation.
    if (!window.htmx || form.id !== 'f' || !list) return;
    event.preventDefault();
    const { body: box, nonce } = form.elements, button = event.submitter, all = what => [...form.querySelectorAll(what)];
    const chips = all('#chips > :not(.bad)'), once = all('[data-once]');
    if (!box.value.trim() && !chips.length) return;
    const fields = [...new FormData(form)].filter(([name]) => name !== 'file_id');
    if (button && button.name) fields.push([button.name, button.value]);
    queue({ action: form.action, log: list.id, fields, chips, once });
    nonce.value = fresh();
    for (const gone of [...once, ...chips]) gone.remove();
    set(box, '');
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
      bubble.textContent = said(message, 'body') || message.chips.map(chip => chip.querySelector('span').textContent).join(', ');
      state.className = 't';
      state.textContent = form.dataset.pending;
      line.append(bubble, state);
    }
    list.append(message.line);
    arrivals.observe(list, { childList: true });
  }
  // Another conversation was opened, perhaps one for which something waits.
  function look() {
    for (const message of waiting) if (!message.gone && !(message.line && message.line.isConnected)) draw(message);
    for (const message of [...refused]) if (!message.line || !message.line.isConnected) refuse(message);
  }
  document.addEventListener('htmx:after:swap', look);

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
    const [message] = waiting;
    // It leaves with its files, or not at all.
    for (const chip of message.chips) await chip.brought;
    keep();
    const outcome = message.chips.some(chip => chip.matches('.bad')) ? 'refused' : await post(message);
    if (outcome === 'later') {
      message.gone = false;
      if (!message.line || !message.line.isConnected) draw(message);
      setTimeout(() => { sending = false; send(); }, pause * (.5 + Math.random()));
      pause = Math.min(pause * 2, 15000);
      return;
    }
    pause = 500;
    waiting.shift();
    if (outcome === 'refused') {
      refused.push(message);
      refuse(message);
      document.dispatchEvent(new CustomEvent('kf:refused', { detail: message }));
    }
    keep();
    sending = false;
    send();
  }

  async function post(message) {
    const { action } = message;
    const stop = new AbortController(), timer = setTimeout(() => stop.abort(), 15000);
    let answer, text;
    try {
      answer = await fetch(action, { method: 'POST', body: new URLSearchParams(whole(message)), headers: { 'HX-Request': 'true' }, keepalive: true, signal: stop.signal });
      text = await answer.text();
    } catch { return 'later'; } finally { clearTimeout(timer); }
    if (answer.status >= 500) return 'later';
    document.dispatchEvent(new Event('kf:alive'));
    if (answer.ok) remove(message);
    const form = composer();
    if (form && (answer.ok || form.action === action)) {
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

  // Where it was written it comes back into the box, or stands below with a button, if something else is written by now.
  function refuse(message) {
    const form = composer();
    if (!form || !log(message)) return;
    const { body: box, kind } = form.elements;
    const over = () => { refused.splice(refused.indexOf(message), 1); message.line.remove(); keep(); };
    draw(message);
    if (!box.value) {
      over();
      if (kind) kind.value = said(message, 'kind');
      set(box, said(message, 'body'));
      form.querySelector('#chips').append(...message.chips);
      box.parentNode.before(...message.once);
      box.required = !message.chips.length;
      return;
    }
    const state = message.line.lastChild, retry = document.createElement('button');
    message.line.className = message.line.className.replace('pending', 'fail');
    state.textContent = form.dataset.fail + ' ';
    retry.type = 'button';
    retry.className = 'retry';
    retry.textContent = form.dataset.retry;
    retry.addEventListener('click', () => {
      over();
      document.getElementById('problem').textContent = '';
      for (const chip of message.chips) if (chip.again) chip.again();
      // Whoever sends it again has seen what was answered meanwhile.
      const again = message.fields.filter(([name]) => name !== 'seen_seq').map(([name, value]) => [name, name === 'nonce' ? fresh() : value]);
      queue({ ...message, line: null, fields: again });
    });
    state.append(retry);
  }

  addEventListener('online', () => { pause = 500; });
  addEventListener('DOMContentLoaded', () => {
    try {
      const [late, back] = JSON.parse(sessionStorage.getItem(store)).map(all => all.map(message => ({ ...message, chips: [], once: [] })));
      refused.push(...back);
      late.forEach(queue);
      look();
    } catch { /* nothing was waiting */ }
  });
})();
