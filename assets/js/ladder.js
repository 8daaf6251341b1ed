// The way down where no stream gets through, and back up: WebSocket, waiting requests, a document that never ends, asking
// again and again. Loaded only then. Whatever carries them, the blocks are the stream's, and so is the cursor.
(() => {
  const kf = window.kf;
  if (kf.rung) return;
  const WAIT = 25, SILENT = 6000, FAST = 15000;
  const pause = ms => new Promise(done => setTimeout(done, ms));
  // Ends what is being tried now.
  let stop = () => {}, heard = 0;

  function deliver(text) {
    heard = Date.now();
    for (const block of text.split('\n\n')) {
      const event = { id: '', event: '', data: [] };
      for (const line of block.split('\n')) {
        const at = line.indexOf(': ');
        if (at < 1) continue;
        const name = line.slice(0, at), value = line.slice(at + 2);
        if (name === 'data') event.data.push(value); else event[name] = value;
      }
      // An event with a name and nothing to say has one empty line of data, which no parser drops.
      if (!event.event && !event.data.length) continue;
      show(event.event, event.data.join('\n'), event.id);
    }
  }
  let showing = Promise.resolve();
  function show(name, data, id) {
    const live = kf.live();
    // One after another: a swap takes its time.
    showing = showing.then(async () => {
      if (name) live.dispatchEvent(new CustomEvent(name, { bubbles: true, detail: { data, id } }));
      else await htmx.swap({ sourceElement: live, target: live, swap: 'none', text: data });
      kf.cursor = id || kf.cursor;
    }).catch(() => {});
  }

  // Each resolves when its line is cut; `got` says that it works.
  const rungs = {
    ws: got => new Promise(done => {
      const url = kf.url();
      url.protocol = url.protocol.replace('http', 'ws');
      url.pathname = url.pathname.replace(/events$/, 'ws');
      const socket = new WebSocket(url);
      const watch = setInterval(() => { if (Date.now() - heard > 45000) socket.close(); }, 5000);
      stop = () => socket.close();
      socket.onmessage = event => {
        deliver(event.data);
        if (event.data.includes('event: synced')) got();
      };
      socket.onclose = () => { clearInterval(watch); done(); };
    }),
    poll: got => ask(WAIT, 1000, got),
    // The document that pages without scripts live in: its entries move over into ours.
    page: got => new Promise(done => {
      const url = kf.url(), frame = document.createElement('iframe');
      const log = document.getElementById('log');
      if (!log) { done(); return; }
      url.pathname = url.pathname.replace(/events$/, 'live');
      frame.hidden = true;
      frame.src = url;
      let size = 0;
      const look = setInterval(() => {
        const page = frame.contentDocument, theirs = page && page.getElementById('log');
        if (!theirs) return;
        // The document says something, if only a comment, every 10 s; nothing else tells one that was cut from a quiet one.
        if (theirs.innerHTML.length !== size) heard = Date.now();
        if (page.readyState === 'complete' || Date.now() - heard > 12000) return stop();
        got();
        kf.found();
        const epoch = url.searchParams.get('after').split(':')[0];
        for (const entry of theirs.querySelectorAll('li[data-seq]')) {
          // The last one may not be whole yet.
          if (!entry.querySelector('time') && !entry.matches('.sys')) continue;
          const { seq, n } = entry.dataset;
          // What was changed stands at the end there, and in its place here.
          if (n) entry.id = `m-${seq}`;
          show('', `<hx-upsert hx-target="#log" key="data-seq">${entry.outerHTML}</hx-upsert>`, n ? '' : `${epoch}:${seq}`);
          entry.remove();
        }
        size = theirs.innerHTML.length;
      }, 250);
      stop = () => { clearInterval(look); frame.remove(); done(); };
      document.body.append(frame);
    }),
    refresh: got => ask(0, 4000, got),
  };
  if (!document.getElementById('log')) delete rungs.page;

  // Asks for what is new, again and again, until a question stays without an answer.
  async function ask(wait, rest, got) {
    let on = true;
    while (on) {
      const end = new AbortController(), late = setTimeout(() => end.abort(), wait * 1000 + SILENT);
      // A line that does not let a question wait is known by how long it takes.
      const working = setTimeout(() => got(), SILENT / 2);
      stop = () => { on = false; end.abort(); };
      try {
        const answer = await fetch(kf.url({ wait }), { signal: end.signal, headers: { 'HX-Request': 'true' } });
        if (answer.status !== 200) {
          if ([401, 403, 404].includes(answer.status)) kf.anew();
          return;
        }
        const text = await answer.text();
        if (!text.includes('event: synced')) return;
        deliver(text);
        got();
      } catch { return; } finally { clearTimeout(late); clearTimeout(working); }
      await pause(rest * (.75 + Math.random() / 2));
      // A hidden tab that does not speak holds no line.
      if (kf.wanted) await kf.wanted();
    }
  }

  // Stays on a rung while it works: two tries that never did, or three cuts within a minute, and the next one is tried.
  async function stand(name) {
    let failed = 0, cuts = [];
    kf.rung = name;
    kf.renew = () => stop();
    while (kf.rung === name && failed < 2 && cuts.length < 3) {
      let works = false;
      const began = Date.now(), silent = setTimeout(() => { if (!works) stop(); }, SILENT);
      heard = began;
      await rungs[name](() => { works = true; });
      clearTimeout(silent);
      if (kf.rung !== name) return true;
      kf.lost();
      const now = Date.now();
      if (!works) failed++;
      else {
        failed = 0;
        if (now - began < FAST) cuts = cuts.filter(at => now - at < 60000).concat(now);
      }
      await pause(250 + Math.random() * 500);
    }
    return kf.rung !== name;
  }

  // A stream that begins, and still is there some seconds later, gets through again.
  async function probe() {
    const end = new AbortController(), late = setTimeout(() => end.abort(), 4 * SILENT);
    try {
      const answer = await fetch(kf.url(), { signal: end.signal, headers: { Accept: 'text/event-stream' } });
      if (answer.status !== 200 || !answer.body) return false;
      const reader = answer.body.getReader(), words = new TextDecoder();
      let text = '', began = Date.now();
      while (!text.includes('event: synced')) {
        const { done, value } = await reader.read();
        if (done || Date.now() - began > SILENT) return false;
        text += words.decode(value, { stream: true });
      }
      let cut = false;
      reader.read().then(({ done }) => { cut = done; }, () => { cut = true; });
      await pause(3000);
      return !cut;
    } catch { return false; } finally { clearTimeout(late); end.abort(); }
  }

  function up() {
    kf.rung = '';
    kf.renew = stream;
    stop();
    kf.renew();
  }

  const stream = kf.renew;
  async function climb() {
    for (let wait = 15000; kf.rung; wait = Math.min(wait * 2, 300000)) {
      await pause(wait);
      if (kf.rung && await probe()) up();
    }
  }

  (async () => {
    kf.rung = 'ws';
    stream(false);
    climb();
    for (const name of Object.keys(rungs)) if (await stand(name)) return;
    // Nothing gets through, so it is not the line but the server, or the world: from the top again.
    up();
  })();
})();
