<?php
function kefu_token(string $id, string $name): string
{
    $secret = getenv('KEFU_SECRET');
    if (!$secret) {
        throw new RuntimeException('KEFU_SECRET is not set');
    }
    $encode = fn (string $bytes): string => rtrim(strtr(base64_encode($bytes), '+/', '-_'), '=');
    $claims = ['aud' => 'KEY', 'sub' => $id, 'name' => $name, 'exp' => time() + 3000];
    $signed = $encode('{"alg":"HS256","typ":"JWT"}') . '.' . $encode(json_encode($claims, JSON_THROW_ON_ERROR));
    return $signed . '.' . $encode(hash_hmac('sha256', $signed, $secret, true));
}
