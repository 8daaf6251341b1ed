// Proxies between a browser and the server: one of ours that breaks what it is told to break, and real ones as their
// packages come.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePort } from './kefu.js';

/** What a request is to the ladder. */
function kind(url) {
  const { pathname, searchParams } = new URL(url, 'http://x');
  if (pathname.endsWith('/ws')) return 'ws';
  if (pathname.endsWith('/live')) return 'page';
  if (!pathname.endsWith('/events')) return 'other';
  return { 0: 'refresh', null: 'stream' }[searchParams.get('wait')] ?? 'poll';
}

/**
 * Passes everything on, except what `faults` says: `{ stream: 'buffer' }`, where a fault is
 * `buffer` (nothing comes before the answer has ended), `strip` (no Upgrade goes through), `502`, or `cut` (after 1 s). With `tls`, a key and its certificate,
 * browsers speak https to it. While it `keepsNone`, no cookie is left in a browser.
 */
export class FaultyProxy {
  static async to(target, faults = {}, { tls, port = 0 } = {}) {
    const proxy = new FaultyProxy();
    proxy.faults = faults;
    proxy.seen = {};
    const pass = (request, answer) => proxy.pass(target, request, answer);
    proxy.server = tls ? https.createServer(tls, pass) : http.createServer(pass);
    proxy.server.on('upgrade', (request, socket, head) => proxy.upgrade(target, request, socket, head));
    proxy.server.listen(port, '127.0.0.1');
    await once(proxy.server, 'listening');
    proxy.url = `http://127.0.0.1:${proxy.server.address().port}`;
    return proxy;
  }
  fault(request) {
    const what = kind(request.url);
    this.seen[what] = (this.seen[what] ?? 0) + 1;
    return this.faults[what];
  }
  pass(target, request, answer) {
    const fault = this.fault(request);
    if (fault === '502') { answer.writeHead(502).end('Bad Gateway'); return; }
    const onward = http.request(target + request.url, { method: request.method, headers: request.headers }, back => {
      if (this.keepsNone) delete back.headers['set-cookie'];
      if (fault === 'buffer') {
        const whole = [];
        back.on('data', part => whole.push(part));
        back.on('end', () => { answer.writeHead(back.statusCode, back.headers); answer.end(Buffer.concat(whole)); });
      } else {
        answer.writeHead(back.statusCode, back.headers);
        answer.flushHeaders();
        back.pipe(answer);
      }
      back.on('error', () => answer.destroy());
    });
    onward.on('error', () => { if (!answer.headersSent) answer.writeHead(502).end(); else answer.destroy(); });
    if (fault === 'cut') setTimeout(() => answer.destroy(), 1000).unref();
    answer.on('close', () => onward.destroy());
    request.pipe(onward);
  }
  upgrade(target, request, socket, head) {
    const fault = this.fault(request);
    socket.on('error', () => {});
    if (fault === '502') { socket.end('HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n'); return; }
    const { hostname, port } = new URL(target);
    const onward = net.connect(port, hostname, () => {
      const headers = request.rawHeaders.map((text, at) => (at % 2 ? `${text}\r\n` : `${text}: `));
      let lines = headers.join('');
      if (fault === 'strip') lines = lines.replace(/^upgrade:.*\r\n/im, '').replace(/^connection:.*\r\n/im, 'Connection: close\r\n');
      onward.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
      onward.write(head);
      onward.pipe(socket).pipe(onward);
    });
    onward.on('error', () => socket.destroy());
    socket.on('close', () => onward.destroy());
    if (fault === 'cut') setTimeout(() => socket.destroy(), 1000).unref();
  }
  stop() {
    this.server.close();
    this.server.closeAllConnections();
  }
}

/** nginx or HAProxy with nothing set but where to listen and where to go. */
export class RealProxy {
  static async nginx(target) {
    return await RealProxy.run('nginx', (port, folder) => [
      `daemon off; pid ${folder}/pid; error_log stderr; worker_processes 1; ${process.getuid() === 0 ? 'user root;' : ''}
      events {}
      http { access_log off; client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
        server { listen 127.0.0.1:${port}; location / { proxy_pass ${target}; } } }`,
      file => ['-c', file],
    ]);
  }
  static async haproxy(target) {
    return await RealProxy.run('haproxy', port => [
      `defaults\n  mode http\n  timeout connect 5000\n  timeout client 50000\n  timeout server 50000\n
frontend web\n  bind 127.0.0.1:${port}\n  default_backend kefu\n
backend kefu\n  server one ${new URL(target).host}\n`,
      file => ['-db', '-f', file],
    ]);
  }
  static async run(name, settings) {
    const proxy = new RealProxy();
    proxy.folder = mkdtempSync(join(tmpdir(), `kefu-${name}-`));
    const port = await freePort(), [text, args] = settings(port, proxy.folder), file = join(proxy.folder, 'conf');
    writeFileSync(file, text);
    proxy.url = `http://127.0.0.1:${port}`;
    const path = `${process.env.PATH}:/usr/sbin`;
    proxy.process = spawn(name, args(file), { stdio: 'ignore', env: { ...process.env, PATH: path } });
    for (const end = Date.now() + 10_000; ;) {
      const up = await fetch(`${proxy.url}/healthz`).catch(() => null);
      if (up?.ok) return proxy;
      if (Date.now() > end) throw new Error(`${name} did not come up`);
      await new Promise(done => setTimeout(done, 50));
    }
  }
  async stop() {
    this.process.kill('SIGTERM');
    if (this.process.exitCode === null) await once(this.process, 'exit');
    rmSync(this.folder, { recursive: true, force: true });
  }
}
