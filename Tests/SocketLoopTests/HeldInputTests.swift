import Testing
import WebSocket

@testable import SocketLoop

@Suite("What a held socket keeps") struct HeldInputTests {
    private static let letters = String(repeating: "x", count: 10_000)

    @Test("It keeps no more than a message and a reading, and goes on with what was not read")
    func bound() throws {
        var bare = try BareLoop { $0.messageBytesMax = 50_000 }
        let (client, slot) = try bare.connect(9000)
        let all = (0..<15).flatMap { Frame.text("\($0) \(Self.letters)") }
        for piece in 0..<10 {
            bare.take(Array(all[(piece * 15_000)..<((piece + 1) * 15_000)]), from: client)
        }
        #expect(bare.input(slot).bytes >= 50_000)
        #expect(bare.input(slot).bytes < 50_000 + 16_384)
        #expect(bare.input(slot).capacity <= 1 << 17)
        #expect(bare.isRead(slot) == false)
        #expect(bare.ends(9000).isEmpty)
        client.send(all[150_000...] + Frame.text("last"))
        let (other, _) = try bare.connect(2)
        bare.take(Frame.text("free 9000 it"), from: other)
        #expect(bare.isRead(slot) == true)
        for _ in 0..<20 { bare.turn() }
        for number in 0..<15 {
            #expect(try client.hear() == .text("<\(number) \(Self.letters)>"))
        }
        #expect(try client.hear() == .text("<last>"))
        #expect(bare.input(slot).bytes == 0)
    }

    @Test("Control frames take no room")
    func controlFrames() throws {
        var bare = try BareLoop { $0.messageBytesMax = 50_000 }
        let (client, slot) = try bare.connect(9000)
        let payload = [UInt8](repeating: 7, count: 125)
        for _ in 0..<100 {
            bare.take(
                Frame.text("ab") + (0..<20).flatMap { _ in Frame.masked(.pong, payload) },
                from: client)
        }
        #expect(bare.input(slot).bytes == 800)
        #expect(bare.isRead(slot) == true)
    }

    @Test("Its silence does not count while it is not read")
    func silence() throws {
        var bare = try BareLoop {
            $0.messageBytesMax = 1000
            $0.pingIntervalSeconds = 1
        }
        let (client, slot) = try bare.connect(9000)
        bare.take(Frame.text(String(repeating: "x", count: 900)), from: client)
        bare.take(Frame.text(String(repeating: "x", count: 900)), from: client)
        #expect(bare.isRead(slot) == false)
        for _ in 0..<10 { bare.advance(seconds: 1) }
        #expect(bare.ends(9000).isEmpty)
        #expect(client.isSilent)
    }

    @Test("It counts against its client's share")
    func share() throws {
        var bare = try BareLoop { $0.outboundBytesPerClientMax = 50_000 }
        let (client, slot) = try bare.connect(9000)
        for _ in 0..<6 { bare.take(Frame.text(Self.letters), from: client) }
        #expect(bare.ends(9000) == [.closedByUs(.overloaded)])
        #expect(bare.input(slot).capacity == 0)
    }

    @Test("It goes on in the turn that releases it, after what others sent")
    func sameTurn() throws {
        var bare = try BareLoop()
        let (held, _) = try bare.connect(9000)
        let (other, _) = try bare.connect(2)
        bare.take(Frame.text("a") + Frame.text("b"), from: held)
        other.send(Frame.text("free 9000 it") + Frame.text("mine"))
        bare.turn()
        let said = bare.log.events.suffix(4)
        #expect(
            said == [
                .received(2, "free 9000 it"), .received(2, "mine"), .received(9000, "a"),
                .received(9000, "b"),
            ])
    }
}
