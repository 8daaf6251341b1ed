// One tab speaks for all that an agent has open: whichever holds the lock, or where there are no locks (plain http) the
// newest. A hidden tab that does not speak lets go of its stream: a browser opens six lines to a server, not one a tab.
(() => {
  const kf = window.kf;
  if (!kf) return;
  const channel = new BroadcastChannel('kf-notify');
  const wanted = () => !document.hidden || kf.leads;
  kf.leads = false;
  // What tabs tell one another; the one that tells does not hear it.
  kf.say = words => channel.postMessage(words);
  function lead(now) {
    if (kf.leads === now) return;
    kf.leads = now;
    rule();
    document.dispatchEvent(new CustomEvent('kf:leads'));
  }

  // For ways that have no stream to close: resolves once this tab wants to hear.
  kf.wanted = () => new Promise(done => {
    const look = () => {
      if (!wanted()) return;
      removeEventListener('visibilitychange', look);
      document.removeEventListener('kf:leads', look);
      done();
    };
    addEventListener('visibilitychange', look);
    document.addEventListener('kf:leads', look);
    look();
  });

  const renew = kf.renew;
  kf.renew = (connect = true) => {
    renew(connect && wanted());
    // Nobody is cut off who wants nothing.
    if (connect && !wanted()) kf.found();
  };
  function rule() {
    const old = kf.live(), open = old.hasAttribute('hx-sse:connect');
    if (!begun || kf.rung || wanted() === open) return;
    kf.renew();
    // What was taken out of the page would hold its line until the next heartbeat, and one that has not begun even longer.
    const sse = open && old._htmx && old._htmx.sse;
    if (sse && sse.reader) sse.reader.cancel();
    else if (open) old.dispatchEvent(new Event('htmx:abort'));
  }
  addEventListener('visibilitychange', rule);
  // Before htmx has looked at the page, what stands there decides.
  let begun = false, claimed = () => {};
  if (!wanted()) kf.live().removeAttribute('hx-sse:connect');
  addEventListener('load', () => {
    begun = true;
    rule();
    begin();
  });

  let begin;
  if (navigator.locks) {
    const ask = steal => navigator.locks.request('kf-notify', { steal }, () => { lead(true); return new Promise(() => {}); })
      .catch(() => { lead(false); ask(false); });
    begin = () => ask(false);
    kf.claim = () => ask(true);
  } else {
    // The newest wins, says so now and then, and is followed when it leaves or falls silent; timers of hidden tabs may run once a minute.
    let rank = [Date.now(), Math.random()], heard = Date.now();
    const above = other => other[0] - rank[0] || other[1] - rank[1];
    const claim = () => { lead(true); kf.say({ claim: rank }); };
    claimed = ({ claim: other, gone }) => {
      heard = Date.now();
      if (gone) claim();
      else if (above(other) > 0) lead(false);
      else claim();
    };
    kf.claim = () => { rank = [Date.now(), Math.random()]; claim(); };
    setInterval(() => { if (kf.leads || Date.now() - heard > 90000) claim(); }, 5000);
    addEventListener('pagehide', () => { if (kf.leads) kf.say({ gone: true }); });
    begin = claim;
  }
  channel.onmessage = ({ data }) => {
    if (data.claim || data.gone) { if (begun) claimed(data); }
    else document.dispatchEvent(new CustomEvent('kf:heard', { detail: data }));
  };
})();
