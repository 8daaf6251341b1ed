// How long a visitor waits, and when somebody last wrote, wherever rows stand: goes on as the server began to say it, by the reader's
// clock and zone; and what is current in a line that scrolls is in sight.
(() => {
  const at = () => document.querySelector('[data-wait]'), HOUR = 3600;
  const lang = document.documentElement.lang.replace(/^en$/, 'en-GB');
  const clock = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const day = new Intl.DateTimeFormat(lang, { month: 'long', day: 'numeric' });
  const year = new Intl.DateTimeFormat(lang, { year: 'numeric', month: 'long', day: 'numeric' });
  const dayOf = at => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

  function waited(seconds, { hours, days }) {
    if (seconds < HOUR) return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
    return seconds < 48 * HOUR ? hours.replace('%', Math.floor(seconds / HOUR)) : days.replace('%', Math.floor(seconds / HOUR / 24));
  }
  function wrote(moment, now, { yesterday }) {
    const ago = Math.round((dayOf(now) - dayOf(moment)) / 864e5);
    if (ago < 1) return clock.format(moment);
    return ago === 1 ? yesterday : (moment.getFullYear() === now.getFullYear() ? day : year).format(moment);
  }
  function tick() {
    const words = at().dataset, { soon, late } = words, now = new Date(), today = String(dayOf(now));
    for (const wait of document.querySelectorAll('.row .wait')) {
      const seconds = Math.max(0, Math.floor((now - new Date(wait.dataset.since)) / 1000));
      wait.textContent = `${words.wait} ${waited(seconds, words)}`;
      wait.classList.toggle('soon', seconds >= soon && seconds < late);
      wait.classList.toggle('late', seconds >= late);
    }
    // Once a day, which says what is yesterday.
    for (const time of document.querySelectorAll('.row time')) {
      const moment = new Date(time.getAttribute('datetime'));
      if (time.dataset.local === today || isNaN(moment)) continue;
      time.dataset.local = today;
      time.textContent = wrote(moment, now, words);
    }
  }
  if (at()) {
    setInterval(tick, 1000);
    document.addEventListener('htmx:after:swap', tick);
    tick();
  }
  for (const here of document.querySelectorAll('.places [aria-current], .tabs [aria-current], .how [aria-current]')) {
    here.scrollIntoView({ block: 'nearest', inline: 'center' });
  }
})();
