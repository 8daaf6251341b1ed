import base64, hmac, json, os, time


def kefu_token(id, name):
    def encode(data):
        return base64.urlsafe_b64encode(data).rstrip(b"=")

    claims = {"aud": "KEY", "sub": str(id), "name": name, "exp": int(time.time()) + 600}
    signed = encode(b'{"alg":"HS256","typ":"JWT"}') + b"." + encode(json.dumps(claims).encode())
    secret = os.environ["KEFU_SECRET"].encode()
    return (signed + b"." + encode(hmac.digest(secret, signed, "sha256"))).decode()
