// A visitor over kefu's socket, for browsers and Node, without dependencies: says something, prints what is said, answers
// "got: …", leaves at "bye".
//
//     node visitor.mjs http://127.0.0.1:3000 demo "Hello"
//
// What is on its way is kept until the server has it and repeated under its nonce, and reading goes on after the last entry
// held: however often the line is cut, everything is sent and seen once. Where there is no WebSocket (Node before 22) it
// speaks REST and lets its questions wait for the answer.

const nonce = () => crypto.randomUUID();
const pause = ms => new Promise(done => setTimeout(done, ms));

export class Visitor {
  constructor(base, site, first, onEntry) {
    Object.assign(this, { base: base.replace(/\/$/, ''), site, first, onEntry });
    this.start = nonce();
    this.held = 0; // the seq of the last entry we hold
    this.epoch = '';
    this.outbox = new Map(); // what the server has not confirmed, by nonce and in order
    this.left = false;
  }

  /** Until `leave` is called; connects again whenever the line is cut. */
  async run() {
    while (!this.left) {
      try {
        this.token ??= (await this.rest('POST', '/visitor/sessions', { site: this.site })).token;
        await (globalThis.WebSocket ? this.overSocket() : this.overRest());
      } catch (error) {
        if (error.refused) throw error;
      }
      if (!this.left) await pause(100 + Math.random() * 900);
    }
  }

  send(body) {
    const name = nonce();
    this.outbox.set(name, body);
    this.sendAgain(name);
  }

  leave() {
    this.left = true;
    this.socket?.close();
  }

  get after() { return this.epoch ? `${this.epoch}:${this.held}` : '0'; }

  // ── over the socket ──

  overSocket() {
    return new Promise((done, fail) => {
      const url = `${this.base.replace(/^http/, 'ws')}/api/v1/ws`;
      const socket = this.socket = new WebSocket(url, ['kefu.v1', `token.${this.token}`]);
      // The same nonce again finds the conversation that it started.
      socket.onopen = () => this.tell({ type: 'start', ref: 'start', site: this.site, nonce: this.start, body: this.first });
      socket.onmessage = ({ data }) => { try { this.hear(JSON.parse(data)); } catch (error) { fail(error); socket.close(); } };
      socket.onclose = done;
    });
  }

  hear(frame) {
    if (frame.type === 'ok' && frame.ref === 'start') {
      this.conversation = frame.conversation;
      this.follow();
      for (const name of this.outbox.keys()) this.sendAgain(name);
    } else if (frame.type === 'ok') this.outbox.delete(frame.ref);
    else if (frame.type === 'entry') this.see(frame, frame.epoch);
    else if (frame.type === 'error') {
      if (frame.retry_after_ms === undefined) throw refused(frame);
      setTimeout(() => this.sendAgain(frame.ref), frame.retry_after_ms);
    }
  }

  see(entry, epoch) {
    if (entry.seq <= this.held) return;
    // Something is missing: ask again.
    if (entry.prev > this.held) return this.follow();
    [this.held, this.epoch] = [entry.seq, epoch];
    this.onEntry(this, entry);
  }

  follow() { this.tell({ type: 'subscribe', conversation: this.conversation, after: this.after }); }

  sendAgain(name) {
    const body = this.outbox.get(name);
    if (body !== undefined) this.tell({ type: 'send', ref: name, conversation: this.conversation, nonce: name, body });
  }

  // Said again once the line is back.
  tell(frame) { if (this.socket?.readyState === 1) this.socket.send(JSON.stringify(frame)); }

  // ── over REST ──

  async overRest() {
    const { conversation } = await this.rest('POST', '/conversations', { site: this.site, nonce: this.start, body: this.first });
    const entries = `/conversations/${conversation}/entries`;
    while (!this.left) {
      for (const [name, body] of this.outbox) {
        await this.rest('POST', entries, { nonce: name, body });
        this.outbox.delete(name);
      }
      const told = await this.rest('GET', `${entries}?wait=20&after=${this.after}`);
      for (const entry of told.entries) this.see(entry, told.epoch);
    }
  }

  async rest(method, path, body) {
    const headers = { 'Content-Type': 'application/json', ...(this.token && { Authorization: `Bearer ${this.token}` }) };
    const answer = await fetch(`${this.base}/api/v1${path}`, { method, headers, body: body && JSON.stringify(body) });
    const told = await answer.json();
    if (answer.ok) return told;
    if (told.error.retry_after_ms === undefined && answer.status < 500) throw refused(told.error);
    await pause(told.error.retry_after_ms ?? 1000);
    throw new Error(told.error.code);
  }
}

function refused({ code, message }) {
  return Object.assign(new Error(`refused: ${code} ${message}`), { refused: true });
}

function answer(visitor, entry) {
  console.log(entry.seq, entry.event ?? entry.body);
  if (entry.author.kind !== 'agent' || entry.kind !== 'text') return;
  if (entry.body === 'bye') visitor.leave();
  else visitor.send(`got: ${entry.body}`);
}

if (globalThis.process?.argv[1]?.endsWith('visitor.mjs')) {
  // Node 18 has its cryptography elsewhere.
  globalThis.crypto ??= (await import('node:crypto')).webcrypto;
  const [base, site, first] = process.argv.slice(2);
  if (!first) throw new Error('usage: node visitor.mjs URL SITE "first message"');
  await new Visitor(base, site, first, answer).run();
}
