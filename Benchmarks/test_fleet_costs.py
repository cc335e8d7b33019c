"""What is made of measured runs, and the command that takes it: nothing is measured here."""

import contextlib
import io
import json
import unittest
from dataclasses import asdict, replace
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path

import fleet_costs
import fleet_model as model
from test_fleet_model import CALLS, COSTS, HOST

GATHERED = (0.7, 0.8)


def load_simulate():
    loader = SourceFileLoader("simulate", str(Path(__file__).with_name("simulate")))
    module = module_from_spec(spec_from_loader("simulate", loader))
    loader.exec_module(module)
    return module


def runs_of(costs, runs):
    """As if the machine did exactly what the model says."""
    load = {run: {"rate": 50_000, "joins": run.joins / 50_000} for run in runs}
    return {run: load[run] | fleet_costs.foretold(run, costs, GATHERED, load[run])
            for run in runs}


class FleetCostsTests(unittest.TestCase):
    costs = replace(
        COSTS, sockets=144, delivery=3.5, nats_beat=40, nats_replication=2.5, announcement=70)
    rest = {"memory": {2: 3000}, "beat": 1000, "nats_beat": 40, "ping": 3, "replication": 2.5}

    def test_costs_are_found_again_in_the_runs_that_they_foretell(self):
        runs = runs_of(self.costs, fleet_costs.SEEN)
        gathered, found = fleet_costs.costs_of(runs, self.rest)
        for value, expected in zip(gathered, GATHERED):
            self.assertAlmostEqual(value, expected)
        for name, value in asdict(replace(self.costs, turn=found.turn)).items():
            self.assertAlmostEqual(getattr(found, name), value, places=4, msg=name)

    def test_no_run_is_both_seen_and_foretold(self):
        self.assertFalse(set(fleet_costs.SEEN) & set(fleet_costs.UNSEEN))

    def test_no_cost_is_below_nothing_where_runs_are_noise(self):
        runs = {run: {"nodes": 5.0, "bus": 1.0, "NATS": 1.0, "frame_mails": 9.0, "rate": 50_000,
                      "joins": run.joins / 50_000} for run in fleet_costs.SEEN}
        _, found = fleet_costs.costs_of(runs, self.rest)
        self.assertGreaterEqual(min(asdict(found).values()), 0)


class SimulateTests(unittest.TestCase):
    simulate = load_simulate()

    def load(self, *arguments):
        return self.simulate.load_of(self.simulate.parse_arguments(arguments))

    def test_shares_of_room_sizes_sum_to_one(self):
        self.assertEqual(self.load("--room-size", "2:60,4:30,20:10").room_sizes,
                         {2: 0.6, 4: 0.3, 20: 0.1})
        self.assertEqual(self.load("--room-size", "2,4").room_sizes, {2: 0.5, 4: 0.5})

    def test_what_is_no_load_is_refused(self):
        for arguments in (["--room-size", "0"], ["--room-size", "two"], ["--room-size", "2:0"],
                          ["--connections", "-1"], ["--broadcast", "2"], ["--memory", "much"]):
            with self.assertRaises(SystemExit), self.quiet():
                self.load(*arguments)

    def test_one_node_needs_no_nats_and_more_need_three_servers(self):
        for load, servers in ((CALLS, 0), (replace(CALLS, connections=500_000), 3)):
            found = self.simulate.simulate(load, COSTS, HOST)
            self.assertEqual(found["nats_servers"], servers)
            self.assertEqual(found["nodes"] > 1, servers > 0)
            self.assertEqual(max(found["in_use"], key=found["in_use"].get),
                             found["first_to_saturate"])

    def test_a_doubling_is_told_to_take_more_nodes_or_to_fit(self):
        share = model.utilisations(CALLS, COSTS, HOST, 1)["processors"]
        for cores, hits in ((HOST.cores * share * 1.1, ["processors"]),
                            (HOST.cores * share * 3, [])):
            found = self.simulate.simulate(CALLS, COSTS, replace(HOST, cores=cores))
            self.assertEqual(found["doubled_hits"], hits)
            self.assertEqual(found["doubled_nodes"] > 1, bool(hits))

    def test_more_servers_of_nats_where_three_are_busy(self):
        busy = replace(COSTS, nats_kilobyte=20)
        load = replace(CALLS, connections=200_000)
        found = self.simulate.simulate(load, busy, replace(HOST, nats_cores=1))
        self.assertGreater(found["nats_servers"], 3)

    def test_costs_that_are_kept_are_those_of_the_model(self):
        known = json.loads(Path(__file__).with_name("fleet-costs.json").read_text())
        costs = model.Costs(**known["costs"])
        self.assertGreaterEqual(min(asdict(costs).values()), 0)
        self.assertLess({"measured", "machine"}, set(known))

    @staticmethod
    def quiet():
        return contextlib.redirect_stderr(io.StringIO())


if __name__ == "__main__":
    unittest.main()
