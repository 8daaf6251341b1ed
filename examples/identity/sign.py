import base64, hmac, json, os, time


def kefu_token(id, name):
    secret = os.environ.get("KEFU_SECRET")
    if not secret:
        raise RuntimeError("KEFU_SECRET is not set")

    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"aud": "KEY", "sub": str(id), "name": name, "exp": int(time.time()) + 3000}
    signed = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    return (signed + b"." + encode(hmac.digest(secret.encode(), signed, "sha256"))).decode()
