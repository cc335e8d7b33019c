import Access
import Bytes
import HTTPMessages
import Identifiers
import Signalling
import Testing

@testable import Admission

@Suite("Who gives way of those who are away")
struct AwayPlacesTests {
    private func place(_ client: ClientID, _ subject: Subject?, address: Int = 1)
        -> ConnectionPlace
    {
        ConnectionPlace(
            address: AddressGroup(IPAddress(ipv4: UInt32(address))), client: client,
            subject: subject)
    }

    @Test("The oldest of whoever has most; one's own if nobody has more")
    func order() {
        var away = AwayPlaces()
        away.add(ConnectionID(raw: 1), at: place("a", "x"))
        away.add(ConnectionID(raw: 2), at: place("a", "y"))
        away.add(ConnectionID(raw: 3), at: place("a", "y"))
        away.add(ConnectionID(raw: 4), at: place("b", nil, address: 2))
        #expect(away.count == 4)
        #expect(away.firstOfSubject(at: place("a", "x")) == ConnectionID(raw: 1))
        #expect(away.firstOfClient(at: place("a", "x")) == ConnectionID(raw: 2))
        #expect(away.firstOfClient(at: place("b", "z")) == ConnectionID(raw: 4))
        #expect(away.first(at: place("b", "z")) == ConnectionID(raw: 2))
        #expect(away.firstOfAddress(at: place("b", nil)) == ConnectionID(raw: 1))
        away.remove(ConnectionID(raw: 2))
        #expect(away.firstOfClient(at: place("a", "x")) == ConnectionID(raw: 1))
        #expect(away.firstOfClient(at: place("a", "z")) != nil)
        for raw in 1...4 { away.remove(ConnectionID(raw: UInt64(raw))) }
        #expect(away.count == 0 && away.first(at: place("a", "x")) == nil)
    }
}
