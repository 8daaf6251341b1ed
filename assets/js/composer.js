// The visitor's composer: keys, size, and the sheet above a phone's keyboard. What is sent leaves through the outbox.
(() => {
  const form = document.querySelector('form[data-composer]');
  if (!form) return;
  const box = form.elements.body, button = form.querySelector('button');

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
  if (document.getElementById('log')) return;
  form.addEventListener('submit', () => setTimeout(() => { button.disabled = true; }));
  addEventListener('pageshow', () => { button.disabled = false; });
})();
