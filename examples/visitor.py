"""A visitor over kefu's socket: says something, prints what is said, answers "got: …", leaves at "bye".

    pip install websockets
    python visitor.py http://127.0.0.1:3000 demo "Hello"

What is on its way is kept until the server has it and repeated under its nonce, and reading goes on after the last entry held:
however often the line is cut, everything is sent and seen once.
"""
import asyncio, json, random, secrets, sys, urllib.request

import websockets


class Visitor:
    def __init__(self, base, site, first, on_entry):
        self.base, self.site, self.first, self.on_entry = base.rstrip("/"), site, first, on_entry
        request = urllib.request.Request(
            f"{self.base}/api/v1/visitor/sessions",
            data=json.dumps({"site": site}).encode(),
            headers={"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request) as answer:
            self.token = json.load(answer)["token"]
        self.conversation = None
        self.held = 0  # the seq of the last entry we hold
        self.epoch = None
        self.outbox = {}  # what the server has not confirmed, by nonce and in order
        self.socket = None
        self.left = False

    async def run(self):
        """Until `leave` is called; connects again whenever the line is cut."""
        url = self.base.replace("http", "ws", 1) + "/api/v1/ws"
        start = secrets.token_urlsafe(12)
        while not self.left:
            try:
                async with websockets.connect(
                    url,
                    subprotocols=["kefu.v1"],
                    additional_headers={"Authorization": f"Bearer {self.token}"},
                ) as self.socket:
                    # The same nonce again finds the conversation that it started.
                    await self.tell(type="start", ref="start", site=self.site, nonce=start, body=self.first)
                    async for text in self.socket:
                        await self.hear(json.loads(text))
            except (OSError, websockets.WebSocketException):
                pass
            self.socket = None
            if not self.left:
                await asyncio.sleep(random.uniform(0.1, 1))

    async def hear(self, frame):
        kind = frame["type"]
        if kind == "ok" and frame.get("ref") == "start":
            self.conversation = frame["conversation"]
            await self.follow()
            for nonce, body in list(self.outbox.items()):
                await self.send_again(nonce, body)
        elif kind == "ok":
            self.outbox.pop(frame.get("ref"), None)
        elif kind == "entry" and frame["seq"] > self.held:
            if frame["prev"] > self.held:
                await self.follow()  # something is missing: ask again
                return
            self.held, self.epoch = frame["seq"], frame["epoch"]
            await self.on_entry(self, frame)
        elif kind == "error":
            wait = frame.get("retry_after_ms")
            if wait is not None and frame.get("ref") in self.outbox:
                await asyncio.sleep(wait / 1000)
                await self.send_again(frame["ref"], self.outbox[frame["ref"]])
            elif wait is None:
                raise SystemExit(f"refused: {frame['code']} {frame['message']}")

    async def follow(self):
        after = f"{self.epoch}:{self.held}" if self.epoch else self.held
        await self.tell(type="subscribe", conversation=self.conversation, after=after)

    async def send(self, body):
        nonce = secrets.token_urlsafe(12)
        self.outbox[nonce] = body
        await self.send_again(nonce, body)

    async def send_again(self, nonce, body):
        await self.tell(type="send", ref=nonce, conversation=self.conversation, nonce=nonce, body=body)

    async def tell(self, **frame):
        try:
            await self.socket.send(json.dumps(frame))
        except websockets.ConnectionClosed:
            pass  # said again once the line is back

    async def leave(self):
        self.left = True
        await self.socket.close()


async def answer(visitor, entry):
    print(entry["seq"], entry.get("event") or entry["body"], flush=True)
    if entry["author"]["kind"] == "agent" and entry["kind"] == "text":
        if entry["body"] == "bye":
            await visitor.leave()
        else:
            await visitor.send(f"got: {entry['body']}")


if __name__ == "__main__":
    if len(sys.argv) != 4:
        raise SystemExit(__doc__)
    asyncio.run(Visitor(*sys.argv[1:], answer).run())
