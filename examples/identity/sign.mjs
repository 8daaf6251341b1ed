import { createHmac } from 'node:crypto';

export function kefuToken(id, name) {
  const secret = process.env.KEFU_SECRET;
  if (!secret) throw new Error('KEFU_SECRET is not set');
  const encode = value => Buffer.from(JSON.stringify(value)).toString('base64url');
  const claims = { aud: 'KEY', sub: String(id), name, exp: Math.floor(Date.now() / 1000) + 3000 };
  const signed = `${encode({ alg: 'HS256', typ: 'JWT' })}.${encode(claims)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}
