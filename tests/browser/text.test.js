// A browser that only knows text: an agent signs in, takes a conversation, answers and closes it with Lynx, by its keys.
import { after, before, test } from 'node:test';
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { Client } from './client.js';
import { OWNER, Server } from './kefu.js';

let server;
before(async () => { server = await Server.start(); });
after(async () => { await server.stop(); });

/** The hidden fields of a page. */
const hidden = text => Object.fromEntries([...text.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)"/g)].map(([, name, value]) => [name, value]));

/** Plays keys on a terminal: text is typed, what stands in an array is pressed. */
async function lynx(address, ...keys) {
  const pressed = keys.flatMap(key => (Array.isArray(key) ? key : [...key].map(letter => (letter === ' ' ? '<space>' : letter))));
  const [script, settings] = ['keys', 'lynx.cfg'].map(name => join(server.folder, name));
  writeFileSync(script, [...pressed, 'Q', 'y'].map(key => `key ${key}\n`).join(''));
  writeFileSync(settings, 'PREFERRED_LANGUAGE:en\nCHARACTER_SET:utf-8\nACCEPT_ALL_COOKIES:TRUE\nREFERER_WITH_QUERY:PARTIAL\n');
  const log = join(server.folder, 'typescript');
  const command = `stty rows 60 cols 150; lynx -cfg=${settings} -cmd_script=${script} ${address}`;
  await promisify(execFile)('script', ['-qec', command, log], { env: { ...process.env, TERM: 'xterm', LANG: 'C.UTF-8' }, timeout: 60_000 });
  return readFileSync(log, 'utf8').replaceAll(/\x1b\[[\d;?]*[a-z]/gi, ' ');
}

test('an agent signs in, takes a conversation, answers and closes it', async () => {
  const lin = new Client(server);
  const form = await lin.get(server.setup.slice(server.url.length));
  assert.equal((await lin.post('/setup', { ...hidden(form.text), ...OWNER, language: 'en' })).status, 303);
  const vera = new Client(server, { headers: { 'accept-language': 'en' } });
  const first = hidden((await vera.get('/w/demo')).text);
  const { place } = await vera.post('/w/demo/start', { ...first, body: 'Where is my parcel?' });
  assert.match(place, /^\/c\//);

  const [enter, down, find, go] = [['^J'], ['Down Arrow'], ['/'], ['g']];
  const screen = await lynx(
    `${server.url}/login`, OWNER.email, down, OWNER.password, down, enter,
    go, `${server.url}/desk/c?tab=queue`, enter, find, 'Where is', enter, enter,
    // On its line the button to hand over stands before it.
    find, 'TakeA', enter, down, enter,
    // Below the choice between an answer and a note stands the box; below its two lines the search among the replies that are
    // kept, their page, the one among colleagues, a file, and what sends.
    find, 'Private note', enter, down, down, 'It is on its way.', ...Array(7).fill(down), enter,
    find, 'CloseE', enter, down, enter,
  );
  assert.match(screen, /Send \/ Add note/, 'the button says what it may do');
  const page = (await vera.get(place)).text;
  for (const words of ['It is on its way.', 'joined the conversation', 'closed the conversation']) assert.ok(page.includes(words), `${words} is not said:\n${screen}`);
});
