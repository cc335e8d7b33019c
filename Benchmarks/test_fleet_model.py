"""The equations of a fleet: `python3 -m unittest discover -s Benchmarks`."""

import unittest
from dataclasses import replace

import fleet_model as model

COSTS = model.Costs(
    message=7, sockets=2000, doubling=0.5, delivery=3, across=4, frame=10, bus_share=0.5,
    turn=200, connection=100, join=400, announcement=50, join_bus_share=0.25, ping=3, beat=1000,
    connection_bytes=3000, nats_frame=8, nats_kilobyte=0.5, nats_write=60)
CALLS = model.Load(
    connections=10_000, room_sizes={2: 1}, messages=1, broadcast=0, session_seconds=600,
    is_kept=False)
MIXED = replace(CALLS, room_sizes={2: 0.6, 4: 0.3, 20: 0.1}, broadcast=0.1)
HOST = model.Limits(cores=4, memory_bytes=8e9)
ALONE = ("thread of the bus", "processors of NATS", "writes to the bucket")


class FleetModelTests(unittest.TestCase):
    def test_one_node_needs_no_bus(self):
        shares = model.utilisations(MIXED, COSTS, HOST, 1)
        self.assertEqual([shares[name] for name in ALONE], [0, 0, 0])

    def test_an_example_computed_by_hand(self):
        """Two nodes, 10,000 in calls of two: half of 10,000 messages change nodes, 2,500 each way,
        and a frame each 200 us has one and a half of them."""
        self.assertEqual(model.mails_per_message(CALLS, 2), 0.5)
        self.assertAlmostEqual(model.mails_per_frame(COSTS, 2500, 2), 1.5)
        costs = replace(COSTS, doubling=0)
        shares = model.utilisations(CALLS, costs, replace(HOST, nats_servers=1), 2)
        across = 5000 * 4 + 5000 / 1.5 * 10
        # Of two members in the room, the second is at the other node half of the time.
        joins = 10_000 / 600 * (400 + 0.5 * 50)
        bus = (across / 2 + joins / 4) / 2 + 1000
        loops = (10_000 * 7 + across / 2 + joins * 3 / 4 + 10_000 / 600 * 100 + 400 * 3) / 2
        nats = 5000 / 1.5 * 8 + 5000 * 1.3 * 0.5 + 2 * 10_000 / 600 * 60
        for name, value in (
                ("thread of the bus", bus / 1e6 / 0.7),
                ("processors", (loops + bus) / 1e6 / 4 / 0.7),
                ("processors of NATS", nats / 1e6 / 4 / 0.7),
                ("memory", 5000 * 3000 / 8e9),
                ("descriptors", 5100 / 65536),
                ("writes to the bucket", 2 * 10_000 / 600 * 60 / 1e6 / 0.7)):
            self.assertAlmostEqual(shares[name], value, msg=name)

    def test_a_room_is_at_more_nodes_the_larger_it_is(self):
        self.assertAlmostEqual(model.nodes_of_room(CALLS, 2, 2), 1.5)
        self.assertAlmostEqual(model.nodes_of_room(CALLS, 20, 3), 3, places=2)
        self.assertEqual(model.nodes_of_room(CALLS, 1, 3), 1)

    def test_more_of_anything_takes_no_less(self):
        for nodes in (1, 2, 3, 8):
            for change in ({"connections": 20_000}, {"messages": 2}, {"session_seconds": 60},
                           {"broadcast": 0.5}):
                before = model.utilisations(MIXED, COSTS, HOST, nodes)
                after = model.utilisations(replace(MIXED, **change), COSTS, HOST, nodes)
                for name in before:
                    self.assertLessEqual(before[name], after[name] + 1e-12, (nodes, change, name))

    def test_rooms_that_are_kept_at_a_node_take_no_more(self):
        for nodes in (2, 3, 8):
            kept = model.utilisations(replace(MIXED, is_kept=True), COSTS, HOST, nodes)
            spread = model.utilisations(MIXED, COSTS, HOST, nodes)
            for name in kept:
                self.assertLessEqual(kept[name], spread[name], (nodes, name))

    def test_what_fits_and_what_takes_one_more(self):
        """Of what may be used 99 % fit, and 101 % do not."""
        share = model.utilisations(CALLS, COSTS, HOST, 1)["processors"]
        cores = HOST.cores * share
        for room, nodes in ((1.01, 1), (0.99, 2)):
            needed, shares = model.nodes_needed(CALLS, COSTS, replace(HOST, cores=cores * room))
            self.assertEqual(needed, nodes)
            self.assertEqual(model.first_to_saturate(shares), "processors")

    def test_what_no_number_of_nodes_bears_is_named(self):
        needed, shares = model.nodes_needed(
            replace(CALLS, session_seconds=1), COSTS, replace(HOST, cores=0.01))
        self.assertIsNone(needed)
        self.assertGreater(max(shares.values()), 1)


if __name__ == "__main__":
    unittest.main()
