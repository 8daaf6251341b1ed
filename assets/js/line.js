// The strip over the desk while the line is down: beside what is said once, for ears as well, which attempt comes and in how many
// seconds, and a button that does not wait for it.
(() => {
  const kf = window.kf, strip = document.getElementById('line');
  if (!kf || !strip) return;
  const more = strip.querySelector('span'), button = strip.querySelector('button');
  let tries = 0, at = 0, from = null;

  function show() {
    // Other ways are tried one after another, without a pause.
    const seconds = kf.rung ? 0 : Math.ceil((at - Date.now()) / 1000), { tries: which, next } = more.dataset;
    let words = tries ? ` · ${which.replace('%', tries)}` : '';
    if (seconds > 0) words += ` · ${next.replace('%', seconds)}`;
    if (more.textContent !== words) more.textContent = words;
  }
  setInterval(show, 500);
  // One more is coming, in so many milliseconds, or as soon as can be.
  function coming(wait = 0) {
    tries++;
    at = wait && Date.now() + wait;
    show();
  }

  const on = (name, act) => document.addEventListener(name, event => { if (event.target === kf.live()) act(event.detail); });
  // htmx waits as long as is said here: what it would choose at random is chosen before.
  on('htmx:sse:before:connection', ({ connection: { attempt, config } }) => {
    if (attempt) return coming(Math.min(config.reconnectDelay * 2 ** (attempt - 1), config.reconnectMaxDelay));
    config.reconnectMaxDelay *= 1 - config.reconnectJitter * Math.random();
    config.reconnectJitter = 0;
  });
  // Where the very first request failed, the stream's own script tries on.
  for (const name of ['htmx:response:error', 'htmx:error']) on(name, () => coming(kf.next));
  // Another way than the stream was cut, and is tried again, or the next one.
  const lost = kf.lost;
  kf.lost = () => { lost(); coming(); };
  on('synced', () => {
    tries = at = 0;
    show();
    // Whoever pressed the button goes on where she was.
    if (document.activeElement === button && from && from.isConnected) from.focus();
  });

  button.addEventListener('focus', event => { from = event.relatedTarget; });
  button.addEventListener('click', () => { coming(); kf.renew(); });
})();
