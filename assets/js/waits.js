// How long a visitor waits goes on, wherever rows stand, as the server began to say it; and what is current in a line that scrolls is in sight.
(() => {
  const at = () => document.querySelector('[data-wait]');
  function tick() {
    const words = at().dataset.wait;
    for (const wait of document.querySelectorAll('.row .wait')) {
      const seconds = Math.max(0, Math.floor((Date.now() - new Date(wait.dataset.since)) / 1000));
      const clock = seconds < 3600 ? `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}` : `${Math.floor(seconds / 3600)} h`;
      wait.textContent = `${words} ${clock}`;
      wait.classList.toggle('soon', seconds >= 60 && seconds < 180);
      wait.classList.toggle('late', seconds >= 180);
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
