import Bytes
import Cluster
import Signalling
import Testing

/// How a node learns what others have (docs/decisions/0038).
@Suite("Lists of what all nodes have")
struct ListingTests {
    private static let extent = ListingExtent(pageBytesMax: 64, pagesMax: 3, bytesMax: 1000)

    /// What a node was asked for its relay to list: under which number, and behind what.
    private func asked(_ scene: ClusterScene, _ node: Int) -> [(number: UInt64, after: [UInt8])] {
        scene.said[node].compactMap { effect in
            if case .listHere(let number, let after, _, _) = effect { (number, after) } else { nil }
        }
    }

    private func answer(
        _ scene: inout ClusterScene, _ node: Int, _ rooms: [UInt8], next: [UInt8] = []
    ) throws {
        let number = try #require(asked(scene, node).last?.number)
        scene.give(
            node,
            .listed(
                number: number, ListingPage(rooms: rooms, next: next),
                for: scene.nodes[0].incarnation))
    }

    private func page(
        _ scene: ClusterScene, _ rooms: [UInt8], of node: Int, ticket: UInt64 = 1
    ) -> ClusterNode.Effect {
        .listedPage(ticket: ticket, of: scene.nodes[node].incarnation, rooms)
    }

    private func done(_ scene: ClusterScene) -> [(silent: [ByteText], isCut: Bool)] {
        scene.said[0].compactMap { effect in
            if case .listDone(_, let silent, let isCut) = effect { (silent, isCut) } else { nil }
        }
    }

    @Test("Each node gives one page after the other, and the list ends when all have given all")
    func pages() throws {
        var scene = ClusterScene(3)
        scene.give(0, .list(ticket: 1, Self.extent))
        try answer(&scene, 1, [1], next: [7])
        #expect(scene.has(0, page(scene, [1], of: 1)) && asked(scene, 1).map(\.after) == [[], [7]])
        try answer(&scene, 2, [2])
        #expect(done(scene).isEmpty)
        try answer(&scene, 1, [3])
        #expect(scene.has(0, page(scene, [2], of: 2)) && scene.has(0, page(scene, [3], of: 1)))
        #expect(done(scene).map(\.silent) == [[]] && done(scene).map(\.isCut) == [false])
    }

    @Test("A node that is alone has nobody to ask")
    func alone() {
        var scene = ClusterScene(1)
        scene.give(0, .list(ticket: 1, Self.extent))
        #expect(done(scene).count == 1)
    }

    @Test("Of two lists at once each gets its own pages")
    func twoAtOnce() throws {
        var scene = ClusterScene(2)
        scene.give(0, .list(ticket: 1, Self.extent))
        scene.give(0, .list(ticket: 2, Self.extent))
        try answer(&scene, 1, [2])
        #expect(scene.has(0, page(scene, [2], of: 1, ticket: 2)) && done(scene).count == 1)
        let first = try #require(asked(scene, 1).first?.number)
        scene.give(
            1,
            .listed(
                number: first, ListingPage(rooms: [1], next: []),
                for: scene.nodes[0].incarnation))
        #expect(scene.has(0, page(scene, [1], of: 1)) && done(scene).count == 2)
    }

    @Test("A node that says nothing is told of by name, and what comes of it later is passed over")
    func silence() throws {
        var scene = ClusterScene(3)
        scene.give(0, .list(ticket: 1, Self.extent))
        try answer(&scene, 2, [2])
        scene.run(Timing().kickWait - 200)
        #expect(done(scene).isEmpty)
        scene.run(500)
        #expect(done(scene).map(\.silent) == [["n1"]] && scene.has(0, page(scene, [2], of: 2)))
        try answer(&scene, 1, [1])
        #expect(!scene.has(0, page(scene, [1], of: 1)) && done(scene).count == 1)
    }

    @Test("A node that gives page after page may do so for ten seconds")
    func endless() throws {
        var scene = ClusterScene(2)
        scene.give(
            0, .list(ticket: 1, ListingExtent(pageBytesMax: 1, pagesMax: .max, bytesMax: .max)))
        for number in 0..<UInt8(8) {
            scene.run(1500)
            if done(scene).isEmpty { try answer(&scene, 1, [1], next: [number]) }
        }
        #expect(done(scene).map(\.silent) == [["n1"]])
    }

    @Test("What a node that dies had said stays, and it is told of by name")
    func death() throws {
        var scene = ClusterScene(2)
        scene.give(
            0, .list(ticket: 1, ListingExtent(pageBytesMax: 1, pagesMax: .max, bytesMax: .max)))
        try answer(&scene, 1, [1], next: [7])
        scene.mute = [1]
        scene.give(
            0,
            .bus(
                .watched(
                    .node(scene.nodes[1].incarnation),
                    NodeRecord(.dead, epoch: ClusterScene.epoch, nodeName: "n1").encoded,
                    Revision(raw: scene.lastRevision + 1))))
        #expect(done(scene).map(\.silent) == [["n1"]] && scene.has(0, page(scene, [1], of: 1)))
    }

    @Test(
        "No more is asked than was wanted, and that there is more is said",
        arguments: [
            (ListingExtent(pageBytesMax: 64, pagesMax: 1, bytesMax: 1000), 1),
            (ListingExtent(pageBytesMax: 64, pagesMax: 9, bytesMax: 1), 2),
        ])
    func bounds(_ extent: ListingExtent, pages: Int) throws {
        var scene = ClusterScene(2)
        scene.give(0, .list(ticket: 1, extent))
        for number in 1...3 where done(scene).isEmpty {
            try answer(&scene, 1, [UInt8(number)], next: [UInt8(number)])
        }
        #expect(asked(scene, 1).count == pages && done(scene).map(\.isCut) == [true])
        #expect(done(scene).map(\.silent) == [[]])
    }

    @Test("A page is no longer than pages may be, whoever asks and whoever answers")
    func longPages() throws {
        var scene = ClusterScene(2)
        scene.give(
            0, .list(ticket: 1, ListingExtent(pageBytesMax: .max, pagesMax: 9, bytesMax: .max)))
        let most = scene.said[1].compactMap { effect in
            if case .listHere(_, _, let bytesMax, _) = effect { bytesMax } else { nil }
        }
        #expect(most == [ListingMail.pageBytesMax])
        try answer(&scene, 1, Array(repeating: 0, count: ListingMail.pageBytesMax + 1))
        #expect(done(scene).map(\.silent) == [["n1"]])
        #expect(!scene.said[0].contains { if case .listedPage = $0 { true } else { false } })
    }

    @Test("Each node may say an equal share of what a list may have")
    func shares() throws {
        var scene = ClusterScene(3)
        scene.give(
            0, .list(ticket: 1, ListingExtent(pageBytesMax: 64, pagesMax: 99, bytesMax: 8)))
        for number in 1...9 where asked(scene, 1).count == number {
            try answer(&scene, 1, [1], next: [UInt8(number)])
        }
        #expect(asked(scene, 1).count == 5 && done(scene).isEmpty)
        try answer(&scene, 2, [1])
        #expect(done(scene).map(\.isCut) == [true] && done(scene).map(\.silent) == [[]])
    }

    @Test(
        "A node that would go on for ever is silent",
        arguments: [ListingPage(rooms: [2], next: [7]), ListingPage(rooms: [], next: [8])])
    func loops(_ page: ListingPage) throws {
        var scene = ClusterScene(2)
        scene.give(
            0, .list(ticket: 1, ListingExtent(pageBytesMax: 64, pagesMax: 99, bytesMax: 1000)))
        try answer(&scene, 1, [1], next: [7])
        try answer(&scene, 1, page.rooms, next: page.next)
        #expect(asked(scene, 1).count == 2 && done(scene).map(\.silent) == [["n1"]])
    }

    @Test("What is listed waits for what peers say", arguments: [0, 1])
    func backedUp(_ node: Int) throws {
        var scene = ClusterScene(2)
        scene.nodes[node].isBackedUp = true
        scene.give(0, .list(ticket: 1, Self.extent))
        scene.run(1000)
        #expect(asked(scene, 1).isEmpty && done(scene).isEmpty)
        scene.nodes[node].isBackedUp = false
        scene.run(200)
        try answer(&scene, 1, [1])
        #expect(scene.has(0, page(scene, [1], of: 1)) && done(scene).map(\.silent) == [[]])
        #expect(asked(scene, 1).count == 1)
    }

    @Test("Where that takes longer than two seconds, the node is silent", arguments: [0, 1])
    func behind(_ node: Int) {
        var scene = ClusterScene(2)
        scene.nodes[node].isBackedUp = true
        scene.give(0, .list(ticket: 1, Self.extent))
        scene.run(3000)
        #expect(done(scene).map(\.silent) == [["n1"]])
        // Nobody waits for it any more.
        scene.nodes[node].isBackedUp = false
        scene.run(1000)
        #expect(asked(scene, 1).isEmpty)
    }

    @Test("What is listed waits while the line is full of what is not answered")
    func fullWindow() throws {
        var scene = ClusterScene(2)
        scene.join(0, 1)
        scene.join(1, 2)
        scene.run(300)
        scene.mute = [1]
        var said = 0
        while said < 5000, scene.say(0, 1, to: 2, at: 1) { said += 1 }
        #expect(scene.nodes[0].roster.last?.waiting?.mails ?? 0 >= 1024)
        scene.give(0, .list(ticket: 1, Self.extent))
        #expect(asked(scene, 1).isEmpty && done(scene).isEmpty)
        scene.mute = []
        scene.run(1500)
        try answer(&scene, 1, [1])
        #expect(scene.has(0, page(scene, [1], of: 1)) && done(scene).map(\.silent) == [[]])
    }

    @Test("A node that is declared dead ends its lists")
    func condemned() {
        var scene = ClusterScene(2)
        scene.give(0, .list(ticket: 1, Self.extent))
        scene.give(
            0,
            .bus(
                .watched(
                    .node(scene.nodes[0].incarnation),
                    NodeRecord(.dead, epoch: ClusterScene.epoch, nodeName: "n0").encoded,
                    Revision(raw: scene.lastRevision + 1))))
        #expect(scene.nodes[0].standing == .condemned && done(scene).map(\.silent) == [["n1"]])
    }
}
