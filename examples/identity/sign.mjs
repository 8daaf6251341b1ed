import { createHmac } from 'node:crypto';

export function kefuToken(id, name) {
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { aud: 'KEY', sub: String(id), name, exp: Math.floor(Date.now() / 1000) + 600 };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', process.env.KEFU_SECRET).update(signed).digest('base64url')}`;
}
