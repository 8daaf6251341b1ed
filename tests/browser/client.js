// Somebody who sends what no browser would: a plain client of HTTP with a jar for cookies.
import http from 'node:http';
import { setTimeout } from 'node:timers/promises';

const agent = new http.Agent({ keepAlive: true, maxSockets: 8 });

export class Client {
  constructor(server, { cookies = {}, headers = {} } = {}) {
    Object.assign(this, { server, cookies: { ...cookies }, headers });
  }
  /** With the cookies of a page's browser. */
  static async of(server, page) {
    const jar = await page.context().cookies(server.url);
    return new Client(server, { cookies: Object.fromEntries(jar.map(({ name, value }) => [name, value])) });
  }
  get(path, headers = {}) {
    return this.ask('GET', path, headers);
  }
  /** As a plain form of our page does; a field may come several times. */
  post(path, fields, headers = {}) {
    const body = new URLSearchParams(Array.isArray(fields) ? fields : Object.entries(fields)).toString();
    return this.ask('POST', path, { 'content-type': 'application/x-www-form-urlencoded', ...headers }, body);
  }
  /** A file under a name that is written as browsers write it. */
  bring(path, name, bytes) {
    const written = name.replaceAll('"', '%22').replaceAll('\r', '%0D').replaceAll('\n', '%0A');
    const body = Buffer.concat([
      Buffer.from(`--edge\r\nContent-Disposition: form-data; name="file"; filename="${written}"\r\nContent-Type: text/plain\r\n\r\n`), Buffer.from(bytes), Buffer.from('\r\n--edge--\r\n'),
    ]);
    return this.ask('POST', path, { 'content-type': 'multipart/form-data; boundary=edge', accept: 'application/json' }, body);
  }
  /** A house that is busy asks for the same once more, a little later. */
  async ask(method, path, headers, body) {
    for (let tries = 5; ;) {
      const answer = await this.askOnce(method, path, headers, body);
      if (answer.status !== 503 || --tries === 0) return answer;
      await setTimeout(answer.headers['retry-after'] * 1000);
    }
  }
  askOnce(method, path, headers, body) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    const own = { 'sec-fetch-site': 'same-origin', 'accept-language': 'zh-CN', ...this.headers, ...headers, ...cookie && { cookie } };
    if (body !== undefined) own['content-length'] = Buffer.byteLength(body);
    return new Promise((done, failed) => {
      const request = http.request(this.server.url + path, { method, headers: own, agent, timeout: 20_000 }, answer => {
        for (const line of answer.headers['set-cookie'] ?? []) {
          const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
          this.cookies[name] = value;
        }
        const parts = [];
        answer.on('data', part => parts.push(part));
        answer.on('error', failed);
        answer.on('end', () => done({ status: answer.statusCode, place: answer.headers.location ?? '', headers: answer.headers, text: Buffer.concat(parts).toString() }));
      });
      request.on('timeout', () => request.destroy(new Error(`no answer: ${method} ${path}`)));
      request.on('error', failed);
      request.end(body);
    });
  }
  /** What comes on a stream, as it comes, until it is told to stop: gives everything that came. */
  listen(path) {
    const cookie = Object.entries(this.cookies).map(([name, value]) => `${name}=${value}`).join('; ');
    const parts = [];
    const request = http.get(this.server.url + path, { headers: { ...this.headers, cookie, accept: 'text/event-stream' } }, answer => answer.on('data', part => parts.push(part)).on('error', () => {}));
    request.on('error', () => {});
    return { text: () => Buffer.concat(parts).toString(), stop: () => request.destroy() };
  }
}

/** Does something with each, a few at a time. */
export async function each(all, act, together = 4) {
  const left = [...all.entries()];
  await Promise.all(Array.from({ length: together }, async () => {
    for (let next; (next = left.shift()) !== undefined;) await act(next[1], next[0]);
  }));
}

/** A stream of events, read as browsers do (WHATWG HTML, "Parsing an event stream"). */
export function events(text) {
  const found = [];
  let event = { data: [] };
  for (const line of text.split(/\r\n|\r|\n/)) {
    if (line === '') {
      if (event.data.length || event.name) found.push({ ...event, data: event.data.join('\n') });
      event = { data: [] };
      continue;
    }
    const [, field, value] = /^([^:]*):? ?(.*)$/su.exec(line);
    if (field === 'data') event.data.push(value);
    else if (field === 'event') event.name = value;
    else if (field === 'id') event.id = value;
    else if (field !== '' && field !== 'retry') event.stray = line;
  }
  return found;
}
