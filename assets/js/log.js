// A log of entries: times in the reader's zone, "today", staying at the newest entry, older entries on demand.
(() => {
  const lang = document.documentElement.lang;
  const clock = new Intl.DateTimeFormat(lang, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' });
  const dayLine = new Intl.DateTimeFormat(lang, { month: 'long', day: 'numeric', weekday: 'long' });
  const dayOf = at => new Date(at.getFullYear(), at.getMonth(), at.getDate()).getTime();

  function localise(root, words) {
    for (const el of root.querySelectorAll('time[datetime]:not([data-local])')) {
      const at = new Date(el.getAttribute('datetime'));
      if (isNaN(at)) continue;
      el.dataset.local = '';
      const ago = Math.round((dayOf(new Date()) - dayOf(at)) / 864e5);
      if (el.closest('.day')) el.textContent = ago === 0 ? words.today : ago === 1 ? words.yesterday : dayLine.format(at);
      else if (el.closest('.m')) el.textContent = clock.format(at);
    }
  }

  function follow(log) {
    const pin = log.closest('.pin'), main = pin.parentElement, jump = main.querySelector('#jump');
    // The box is a reversed column: at the newest entry its scrollTop is 0, above it negative.
    const atEnd = () => pin.scrollTop > -40;
    function offer(words) {
      jump.lastChild.data = jump.dataset[words];
      jump.hidden = false;
    }
    log.dataset.live = '';
    localise(log, log.dataset);
    new MutationObserver(records => {
      const added = records.flatMap(record => [...record.addedNodes]).filter(node => node.matches && node.matches('.m, .sys'));
      if (!added.length) return;
      localise(log, log.dataset);
      if (!atEnd() && added.some(node => !node.classList.contains('me') && !node.nextElementSibling)) offer('news');
    }).observe(log, { childList: true });
    // Whoever went up further than a screen finds the way back.
    pin.addEventListener('scroll', () => {
      if (atEnd()) jump.hidden = true;
      else if (jump.hidden && pin.scrollTop < -pin.clientHeight) offer('newest');
    });
    jump.addEventListener('click', () => { pin.scrollTop = 0; jump.hidden = true; });
    // Who listens to the screen hears what arrives from now on, not the history.
    const hear = () => requestAnimationFrame(() => log.parentElement.setAttribute('aria-live', 'polite'));
    hear();

    // Older entries come where one scrolls up to them, and what stands before one's eyes stays there.
    const older = main.querySelector('#older');
    if (!older) return;
    let asking = false;
    async function further(pressed) {
      if (asking) return;
      asking = true;
      const first = () => log.querySelector('[data-seq]:not(.unread)').dataset.seq;
      const answer = await fetch(older.dataset.get + first(), { headers: { 'HX-Request': 'true' } }).catch(() => null);
      const status = answer && answer.status, text = status === 200 && await answer.text().catch(() => '');
      if (text) {
        log.parentElement.setAttribute('aria-live', 'off');
        await htmx.swap({ sourceElement: older, target: log, swap: 'none', text });
        hear();
      } else if (status !== 204 && pressed) location.href = older.href;
      asking = false;
      if (status === 204 || first() === '1') older.parentElement.remove();
      else if (text) {
        // It may still be in sight.
        top.unobserve(older);
        top.observe(older);
      }
    }
    older.addEventListener('click', event => {
      event.preventDefault();
      further(true);
    });
    const top = new IntersectionObserver(seen => { if (seen.some(one => one.isIntersecting)) further(false); }, { root: pin, rootMargin: '200px' });
    top.observe(older);
  }

  function all() {
    document.querySelectorAll('ol.msgs:not([data-live])').forEach(follow);
  }
  document.querySelectorAll('[data-no-script]').forEach(el => el.remove());
  document.addEventListener('htmx:after:swap', all);
  all();
})();
