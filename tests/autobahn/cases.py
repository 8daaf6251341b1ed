"""Runs the converted cases against an echo server: cases.py URL SECONDS. Stands in for the testsuite's fuzzing.py, without its reports."""
import sys
from collections import Counter

from autobahn.twisted.websocket import WebSocketClientFactory, WebSocketClientProtocol, connectWS
from case import Cases  # from convert.py; a Case knows what it expects and judges what it received
from twisted.internet import reactor

AT_ONCE = 8  # most cases only wait; one after the other they take about a minute
ENOUGH = 240  # of 246
UNCLEAN = ("FAILED", "UNCLEAN", "WRONG CODE")  # not "FAILED BY CLIENT": the server left closing the TCP connection to us


def octets(text):  # a case gives strings, autobahn calls the same methods with bytes; see convert.py
    return text.encode("latin-1") if isinstance(text, str) else text


class Fuzzer(WebSocketClientProtocol):
    """The connection of one case, with the methods and fields the cases use beyond autobahn's."""

    def __init__(self, case):
        super().__init__()
        self.connectionWasOpen, self.txFrameStats, self.case = False, Counter(), case(self)

    def enableWirelog(self, _):
        pass

    def continueLater(self, delay, act, tag=None):
        reactor.callLater(delay, lambda: self.state != self.STATE_CLOSED and act())

    def killAfter(self, delay):
        self.continueLater(delay, self._fail_connection)

    def closeAfter(self, delay):
        self.continueLater(delay, self.sendClose)

    def sendFrame(self, opcode, payload=b"", *rest, **more):
        self.txFrameStats[opcode] += 1
        super().sendFrame(opcode, octets(payload), *rest, **more)

    def sendMessage(self, payload, *rest, **more):
        super().sendMessage(octets(payload), *rest, **more)

    def sendMessageFrameData(self, payload, *rest, **more):
        return super().sendMessageFrameData(octets(payload), *rest, **more)

    def sendCloseFrame(self, code=None, reasonUtf8=None, isReply=False):
        super().sendCloseFrame(code, octets(reasonUtf8), isReply)

    def onOpen(self):
        self.connectionWasOpen = True
        self.case.onOpen()

    def onMessage(self, payload, isBinary):
        self.case.onMessage(payload.decode("latin-1"), isBinary)

    def onPong(self, payload):
        self.case.onPong(payload.decode("latin-1"))

    def onClose(self, wasClean, code, reason):
        self.case.onClose(wasClean, code, reason)

    def connectionLost(self, reason):
        super().connectionLost(reason)
        self.case.onConnectionLost(self.failedByMe)
        if self.connectionWasOpen:
            done[type(self.case)] = self.case
            begin()
        else:
            give_up(f"the opening handshake failed: {self.wasNotCleanReason}")


def begin():
    """Opens the next case's connection; the last case to end stops it all."""
    if case := next(waiting, None):
        factory = WebSocketClientFactory(url)
        factory.setProtocolOptions(failByDrop=False)  # with a close frame, as the standard asks
        factory.buildProtocol = lambda _: setattr(fuzzer := Fuzzer(case), "factory", factory) or fuzzer
        factory.clientConnectionFailed = lambda _, why: give_up(why.getErrorMessage())
        connectWS(factory)
    elif len(done) == len(Cases) and reactor.running:
        reactor.stop()


def give_up(why):
    if reactor.running:
        print(f"autobahn: {url}: {why}")
        reactor.stop()


url, seconds = sys.argv[1], float(sys.argv[2])
waiting, done = iter(Cases), {}
reactor.callLater(seconds, give_up, f"not done after {seconds:.0f} s")
for _ in range(AT_ONCE):
    reactor.callWhenRunning(begin)
reactor.run()

for case in (done[kind] for kind in Cases if kind in done):
    if (case.behavior, case.behaviorClose) != ("OK", "OK"):
        name, about = type(case).__name__[4:].replace("_", "."), " ".join(case.DESCRIPTION.split("<")[0].split())
        close = f"close {case.behaviorClose} ({case.p.remoteCloseCode}): {case.resultClose}"
        print(f"autobahn: {name} {case.behavior}: {about} {case.result} {close}")
counts, unclean = Counter(case.behavior for case in done.values()), sum(case.behaviorClose in UNCLEAN for case in done.values())
kinds = ", ".join(f"{counts[kind]} {kind}" for kind in ("OK", "NON-STRICT", "INFORMATIONAL", "FAILED"))
print(f"autobahn: {len(done)} cases: {kinds}, {unclean} UNCLEAN")
sys.exit(1 if counts["FAILED"] or unclean or len(done) < ENOUGH else 0)
