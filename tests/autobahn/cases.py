"""Runs the converted cases against an echo server: cases.py URL SECONDS. In place of the testsuite's fuzzing.py and its HTML reports."""
import sys
from collections import Counter

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from case import Cases  # made by convert.py; a Case knows what to send and expect, and judges what it received
from twisted.internet import reactor

AT_ONCE = 8  # most cases only wait; one after the other they take several times as long
ENOUGH = 240  # of 247
UNCLEAN = ("FAILED", "UNCLEAN", "WRONG CODE")  # of a close; "FAILED BY CLIENT" only says that we had to end the TCP connection


def in_bytes(name):
    """autobahn's method of that name, called by itself with bytes and by the cases with strings; see convert.py."""
    def method(self, *args, **named):
        if name == "sendFrame":
            self.txFrameStats[named["opcode"]] += 1  # 10.1.1 looks at it
        octets = lambda given: given.encode("latin-1") if isinstance(given, str) else given
        return getattr(WebSocketClientProtocol, name)(self, *map(octets, args), **{key: octets(given) for key, given in named.items()})
    return method


class Fuzzer(WebSocketClientProtocol):
    """The connection of one case, with what the cases use beyond autobahn's own."""
    sendFrame, sendMessage, sendMessageFrameData, sendCloseFrame = map(
        in_bytes, ("sendFrame", "sendMessage", "sendMessageFrameData", "sendCloseFrame"))
    enableWirelog = lambda self, on: None
    continueLater = lambda self, delay, act, tag=None: reactor.callLater(delay, lambda: self.state != self.STATE_CLOSED and act())
    killAfter = lambda self, delay: self.continueLater(delay, self._fail_connection)
    closeAfter = lambda self, delay: self.continueLater(delay, self.sendClose)
    onMessage = lambda self, payload, binary: self.case.onMessage(payload.decode("latin-1"), binary)
    onPong = lambda self, payload: self.case.onPong(payload.decode("latin-1"))

    def __init__(self, case):
        super().__init__()
        self.connectionWasOpen, self.txFrameStats, self.case = False, Counter(), case(self)

    def onOpen(self):
        self.connectionWasOpen = True
        self.case.onOpen()

    def connectionLost(self, reason):
        super().connectionLost(reason)
        if not self.connectionWasOpen:
            end(f"the opening handshake failed: {self.wasNotCleanReason}")
        if not ended:
            self.case.onConnectionLost(self.failedByMe)
            done[type(self.case)] = self.case
            begin()


def begin():
    """Connects for the next case, or ends the run after the last."""
    if case := next(waiting, None):
        factory = WebSocketClientFactory(url)
        # Fail with a close frame, as the standard asks. autobahn's timeouts for closing are 1 s, but txaio's timer cuts the moment they
        # end at off to whole seconds (`int(now + delay)`), so they could end at once; these end after 1 to 2 s.
        factory.setProtocolOptions(failByDrop=False, closeHandshakeTimeout=2, serverConnectionDropTimeout=2)
        factory.protocol = lambda: Fuzzer(case)
        factory.clientConnectionFailed = lambda _, why: end(why.getErrorMessage())
        connectWS(factory)
    elif len(done) == len(Cases):
        end("")


def end(why):
    if not ended:
        ended.append(why)
        reactor.stop()


url, seconds = sys.argv[1], max(1, int(sys.argv[2]))
waiting, done, ended = iter(Cases), {}, []
reactor.callLater(seconds, end, f"not done after {seconds} s")
for _ in range(AT_ONCE):
    reactor.callWhenRunning(begin)
reactor.run()

for case in (done[kind] for kind in Cases if kind in done):
    if (case.behavior, case.behaviorClose) != ("OK", "OK"):
        name, about = type(case).__name__[4:].replace("_", "."), " ".join(case.DESCRIPTION.split("<")[0].split())
        print(f"{name} {case.behavior}: {about} | {case.result} | close {case.behaviorClose} ({case.p.remoteCloseCode}): {case.resultClose}")
counts, unclean = Counter(case.behavior for case in done.values()), sum(case.behaviorClose in UNCLEAN for case in done.values())
print(*(f"autobahn: {url}: {why}\n" for why in ended if why), sep="", end="")
print(f"autobahn: {len(done)} cases:", ", ".join(f"{counts[kind]} {kind}" for kind in ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED")), end=", ")
print(f"{unclean} UNCLEAN")  # counts closes, so a case can be here and under FAILED
sys.exit(1 if counts["FAILED"] or unclean or len(done) < ENOUGH else 0)
