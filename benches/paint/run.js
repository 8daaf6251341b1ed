#!/usr/bin/env node
// How long an agent waits for what she pressed to be painted, by tests/browser/pace.test.js with the release; writes the table
// into docs/performance.md. Wants target/release/kefu, Chromium, and `npm ci` in tests/browser.
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { tell } from '../tell.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const env = { ...process.env, KEFU_BIN: process.env.KEFU_BIN ?? join(ROOT, 'target/release/kefu') };
const { status, stdout } = spawnSync('node', ['--test', '--test-reporter=tap', 'tests/browser/pace.test.js'], { cwd: ROOT, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] });
if (status) {
  process.stdout.write(stdout);
  process.exit(status);
}
// What was slow once is measured again: the last time counts.
const acts = new Map();
for (const [, what, median, worst] of stdout.matchAll(/^ *# (.+): median (\d+) ms, worst (\d+) ms$/gm)) acts.set(what, [median, worst]);
const told = ms => ms === '0' ? '< 16' : ms;
const table = ['| | median, ms | worst of 7, ms |', '|---|---|---|', ...[...acts].map(([what, took]) => `| ${what} | ${took.map(told).join(' | ')} |`)].join('\n');
console.log(table);
tell('paint', 'benches/paint/run.js', `200 rows in the list, 500 messages in the conversation; promised: 100 ms.\n\n${table}`);
