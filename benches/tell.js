// Writes what a bench found into docs/performance.md, between its marks.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const DOC = fileURLToPath(new URL('../docs/performance.md', import.meta.url));

export function tell(name, script, found) {
  const start = `<!-- ${name}: written by ${script} -->\n`, end = `<!-- end of ${name} -->`;
  const [before, rest] = readFileSync(DOC, 'utf8').split(start), after = rest.split(end)[1];
  writeFileSync(DOC, `${before}${start}\n\`node ${script}\`, ${new Date().toISOString().slice(0, 10)}, ${found}\n\n${end}${after}`);
}
