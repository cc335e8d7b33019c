"""What pages send each other over data channels, and what is told where none can be had."""

from support import peers

BROKEN = "turn:turn.example:3478"  # A TURN server without credentials, which no browser takes.


def refused(page, expression):
    """What it throws at once, not in a promise."""
    return page.page.evaluate(
        f"(() => {{ try {{ {expression}; }} catch (error) {{ return String(error); }} }})()")


def test_what_can_not_be_sent_is_refused_at_once_and_by_name(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    most = ann.page.evaluate("client.peerConnections['id-bob'].sctp.maxMessageSize")
    assert ann.page.evaluate(f"client.send('id-bob', new Uint8Array({most}))") is True
    for data in (f"new Uint8Array({most + 1})", f"'x'.repeat({most + 1})",
                 f"'\\u00e9'.repeat({most // 2 + 1})", f"new Blob(['x'.repeat({most + 1})])"):
        for send in (f"client.send('id-bob', {data})", f"client.broadcast({data})"):
            assert refused(ann, send).startswith("TypeError: "), send
            assert str(most) in refused(ann, send)
    for data in ("{ a: 1 }", "null", "undefined", "7"):
        for send in (f"client.send('nobody', {data})", f"client.broadcast({data})"):
            assert "JSON.stringify" in refused(ann, send), send
    ann.check()


def test_all_that_is_sent_at_once_arrives_in_order(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    sent = ann.page.evaluate("""async () => {
        const sent = [];
        const bytes = new Uint8Array(200000);
        for (let i = 0; i < 60; i += 1) {
          bytes[0] = i;  // Used again at once: what was sent is as it was then.
          sent.push(client.send('id-bob', bytes));
          if (i === 30) sent.push(client.send('id-bob', new Blob([new Uint8Array([100])])));
        }
        const { bufferedAmount } = client.peerInfo['id-bob'].sendChannel;
        return { bufferedAmount, all: await Promise.all(sent) };
    }""")
    assert sent["all"] == [True] * 61
    assert sent["bufferedAmount"] < 2 << 20
    bob.until("count('message') === 61", 60)
    firsts = bob.page.evaluate(
        "events.filter((e) => e.type === 'message').map((e) => e.detail.data[0])")
    assert firsts == [*range(31), 100, *range(31, 60)]
    ann.check()


def test_who_is_gone_is_told_by_false_and_never_by_an_error(call):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    assert ann.page.evaluate("client.send('nobody', 'x')") is False
    ann.page.evaluate("""() => {
        window.sent = Promise.all(Array.from({ length: 200 },
          () => client.send('id-bob', new Uint8Array(200000))));
    }""")
    bob.page.evaluate("client.close()")
    sent = ann.page.evaluate("sent")
    assert sent[0] is True and sent[-1] is False
    assert ann.page.evaluate("client.broadcast('x')") == 0
    ann.check()


def test_an_ice_server_that_the_browser_refuses_is_left_out_and_told(call):
    ann = call("ann", iceServers=[{"urls": ["stun:127.0.0.1:9", BROKEN]}])
    ann.until_event("first_to_join")
    bob = call("bob")
    ann.until_connected("bob")
    told = ann.until_event("negotiationFailed")
    assert [event["detail"]["peerId"] for event in told] == ["id-bob"]
    assert BROKEN in told[0]["detail"]["err"]
    servers = ann.page.evaluate(
        "client.peerConnections['id-bob'].getConfiguration().iceServers.flatMap((s) => s.urls)")
    assert "stun:127.0.0.1:9" in servers and BROKEN not in servers
    assert len(ann.events("someone_joined")) == 1
    ann.talk_to(bob)
    ann.check()
    bob.check()


def test_where_no_connection_can_be_had_both_sides_are_told_and_others_are_met(call):
    ann = call("ann")
    ann.until_event("first_to_join")
    ann.page.evaluate("""() => {
        window.Real = RTCPeerConnection;
        window.RTCPeerConnection = class { constructor() { throw new Error('none is left'); } };
    }""")
    bob = call("bob")
    assert "none is left" in ann.until_event("negotiationFailed")[0]["detail"]["err"]
    assert len(ann.events("someone_joined")) == 1
    assert bob.until_event("negotiationFailed")[0]["detail"]["peerId"] == "id-ann"
    ann.page.evaluate("() => { window.RTCPeerConnection = Real; }")
    cid = call("cid")
    cid.until_connected("ann", "bob")
    ann.talk_to(cid)
    for page in (ann, bob, cid):
        page.check()


def test_what_makes_no_sense_is_told_and_touches_nobody_else(call, application):
    ann, bob = call("ann"), call("bob")
    ann.until_connected("bob")
    with peers.connect(application) as eve:
        eve.join(call.room, id="eve")
        ann.until_event("someone_joined", 2)
        own = ann.page.evaluate("client.connectionId")
        eve.send(own, {"type": "link_check", "fingerprints": [7, {}], "link": {}})
        eve.send(own, {"type": "link_check", "fingerprints": 7, "proofs": 7})
        eve.send(own, {"type": "answer", "answer": 7})
        offers = (7, "offer", {"type": "offer", "sdp": 7}, {"type": "offer", "sdp": "v=0"})
        for count, offer in enumerate(offers, 2):
            ann.until_event("negotiationFailed", count - 1)
            eve.send(own, {"type": "offer", "offer": offer})
        ann.until_event("negotiationFailed", 5)
        assert {event["detail"]["peerId"] for event in ann.events("negotiationFailed")} == {"eve"}
        while eve.receive().type != "usher.negotiation_failed":
            pass
    ann.talk_to(bob)
    ann.check()
    bob.check()
