// Being told: how much is unread in title and icon, a tone and a notification of the system for what happens, and the tone
// again while somebody waits. Only the tab that speaks (leader.js) is heard; the others tell it what they know.
(() => {
  const kf = window.kf;
  if (!kf || !kf.say) return;
  const icon = document.getElementById('icon'), strip = document.getElementById('mute');
  let likes = JSON.parse(document.body.dataset.told);
  const signals = name => likes.signals.includes(name);

  // Title and icon. A tab without a stream hears the figures from one that has it.
  const figure = id => +document.getElementById(id).textContent || 0;
  let shown = '';
  function badge() {
    const unread = figure('nav-unread'), queue = figure('nav-queue'), now = `${unread} ${queue}`;
    const bare = document.title.replace(/^\(\d+\) /, ''), title = unread ? `(${unread}) ${bare}` : bare;
    if (title !== document.title) document.title = title;
    const href = icon.dataset[unread || queue ? 'dot' : 'plain'];
    if (icon.getAttribute('href') !== href) icon.setAttribute('href', href);
    if (now === shown) return;
    shown = now;
    if (kf.live().hasAttribute('hx-sse:connect')) kf.say({ figures: [unread, queue] });
  }
  document.addEventListener('htmx:after:swap', badge);

  // Sound, for which a browser wants to be touched once.
  const TONES = { rise: [[660, 0], [880, .16]], single: [[784, 0]], chime: [[988, 0], [988, .14], [1319, .28]] };
  let audio = null, leaderSounds = null;
  const sounds = () => !!audio && audio.state === 'running';
  function play({ tone, volume }) {
    if (!sounds()) return;
    for (const [pitch, after] of TONES[tone]) {
      const at = audio.currentTime + after, note = audio.createOscillator(), loud = audio.createGain();
      note.frequency.value = pitch;
      loud.gain.setValueAtTime(0, at);
      loud.gain.linearRampToValueAtTime(volume / 100, at + .01);
      loud.gain.linearRampToValueAtTime(0, at + .3);
      note.connect(loud);
      loud.connect(audio.destination);
      note.start(at);
      note.stop(at + .32);
    }
  }
  const undecided = () => 'Notification' in window && Notification.permission === 'default';
  function check() {
    if (kf.leads) kf.say({ sounds: sounds() });
    // A tab that was never touched cannot be heard: one that was speaks in its place.
    else if (sounds() && leaderSounds === false) kf.claim();
    const mute = kf.leads ? !sounds() : leaderSounds === false;
    strip.hidden = !((signals('sound') && mute) || (signals('desktop') && undecided()));
  }
  async function touch() {
    if (sounds() || !signals('sound')) return;
    audio = audio || new AudioContext();
    audio.onstatechange = check;
    await audio.resume().catch(() => {});
    check();
  }
  // Not by the press: the strip leaves with it, and what is pressed would move away from under the hand before it is clicked.
  for (const name of ['click', 'keydown']) addEventListener(name, touch, true);
  async function enable() {
    await touch();
    if (signals('desktop') && undecided()) await Notification.requestPermission();
    check();
  }
  strip.querySelector('button').addEventListener('click', enable);

  function pop({ title, body, conversation }) {
    if (!('Notification' in window) || Notification.permission !== 'granted') return;
    try {
      const note = new Notification(title, { body, icon: icon.dataset.plain, tag: 'kefu-' + conversation, renotify: true });
      note.onclick = () => {
        window.focus();
        note.close();
        const row = document.getElementById('c-' + conversation);
        if (row) row.click();
        else if (conversation) location.href = '/desk/c/' + conversation;
      };
    } catch { /* phones want a service worker for it */ }
  }

  function quiet() {
    if (!likes.quiet) return false;
    const { from, to } = likes.quiet, at = new Date(), now = at.getHours() * 60 + at.getMinutes();
    return from < to ? now >= from && now < to : now >= from || now < to;
  }

  // Whoever has a conversation before her eyes need not be told of it.
  let elsewhere = 0;
  const eyes = () => {
    const open = document.querySelector('#conv[data-cid]');
    return open && !document.hidden && document.hasFocus() ? +open.dataset.cid : 0;
  };
  for (const name of ['focus', 'blur', 'pagehide', 'visibilitychange']) addEventListener(name, event => kf.say({ eyes: event.type === 'pagehide' ? 0 : eyes() }));
  document.addEventListener('htmx:after:swap', event => { if (event.target.id !== 'live') kf.say({ eyes: eyes() }); });

  // Up to which entry of a conversation she was told.
  const told = new Map();
  document.addEventListener('notify', event => {
    const what = JSON.parse(event.detail.data), { conversation, seq, kind } = what;
    if (!kf.leads || (told.get(conversation) || 0) >= seq) return;
    told.set(conversation, seq);
    kf.say({ told: [conversation, seq] });
    if (!likes.notices.includes(kind) || quiet() || conversation === (eyes() || elsewhere)) return;
    if (kind === 'queue') again();
    if (signals('sound')) play(likes.sounds[kind]);
    if (signals('desktop')) pop(what);
  });
  let waiting = 0;
  function again() {
    clearInterval(waiting);
    waiting = setInterval(() => {
      if (kf.leads && figure('nav-queue') && likes.notices.includes('queue') && signals('sound') && !quiet()) play(likes.sounds.queue);
    }, 30000);
  }
  again();

  document.addEventListener('kf:leads', check);
  document.addEventListener('kf:heard', ({ detail }) => {
    if (detail.told) told.set(...detail.told);
    if (detail.likes) likes = detail.likes;
    if ('eyes' in detail) elsewhere = detail.eyes;
    if ('sounds' in detail) leaderSounds = detail.sounds;
    if (detail.figures) {
      const [unread, queue] = detail.figures;
      document.getElementById('nav-unread').textContent = unread || '';
      document.getElementById('nav-queue').textContent = queue;
      shown = `${unread} ${queue}`;
      badge();
    }
    if (detail.asks || 'sounds' in detail) check();
  });
  // This page is newer than all others, and so is what it says she likes.
  kf.say({ likes, asks: true });

  const test = document.querySelector('[data-told-test]');
  if (test) {
    const wake = () => (audio = audio || new AudioContext()).resume().catch(() => {});
    const chosen = kind => ({ tone: test.form.elements[kind + '_tone'].value, volume: +test.form.elements[kind + '_volume'].value });
    for (const hear of document.querySelectorAll('[data-hear]')) {
      hear.hidden = false;
      hear.addEventListener('click', async () => {
        await wake();
        play(chosen(hear.dataset.hear));
        check();
      });
    }
    test.hidden = false;
    test.addEventListener('click', async () => {
      const { sound, desktop } = test.form.elements, { title, body } = test.dataset;
      await wake();
      if (desktop.checked && undecided()) await Notification.requestPermission();
      if (sound.checked) play(chosen('mine'));
      if (desktop.checked) pop({ title, body, conversation: 0 });
      check();
    });
  }
  if (signals('sound')) {
    // Where the browser trusts the page already, it need not be touched.
    audio = new AudioContext();
    audio.onstatechange = check;
  }
  badge();
  check();
})();
