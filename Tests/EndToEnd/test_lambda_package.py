"""The package for Lambda, as scripts/build-lambda makes it: one static executable that runs where
there is next to nothing."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from support.proxies import certificate
from support.serverless import Home
from support.toy_dns import ToyDNS
from support.usher import new_folder

PACKAGE = os.environ.get("USHER_LAMBDA_PACKAGE")
NAME = "table.services.example"

pytestmark = pytest.mark.skipif(
    not PACKAGE, reason="USHER_LAMBDA_PACKAGE names no folder that scripts/build-lambda made")


@pytest.fixture(scope="module")
def package():
    return Path(PACKAGE)


def readelf(flag, path):
    ended = subprocess.run(["readelf", flag, path], capture_output=True, check=True, text=True)
    return ended.stdout


def test_the_executable_needs_no_library_and_no_loader(package):
    assert "NEEDED" not in readelf("-d", package / "bootstrap")
    assert "INTERP" not in readelf("-l", package / "bootstrap")


def test_the_package_is_small_and_holds_what_the_function_needs(package):
    assert (package / "bootstrap").stat().st_size <= 15 * 1024 * 1024
    with zipfile.ZipFile(package / "usher-lambda.zip") as archive:
        assert archive.namelist() == ["bootstrap", "amazon-roots.pem", "roots.pem"]
        modes = {one.filename: one.external_attr >> 16 & 0o777 for one in archive.infolist()}
    assert modes == {"bootstrap": 0o755, "amazon-roots.pem": 0o644, "roots.pem": 0o644}
    subjects = []
    for one in (package / "amazon-roots.pem").read_text().split("-----BEGIN")[1:]:
        ended = subprocess.run(
            ["openssl", "x509", "-noout", "-subject"], input="-----BEGIN" + one, text=True,
            capture_output=True, check=True)
        subjects.append(ended.stdout)
    assert len(subjects) == 5
    assert all("Amazon" in one or "Starfield Services" in one for one in subjects)


@pytest.fixture
def empty_root(package, monkeypatch):
    """A root with the executable and /proc, in which the emulator's environments start. A name
    server, which knows one name, has the last word about names."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a process another root")
    root = new_folder("empty-root")
    for folder in ("proc", "etc"):
        (root / folder).mkdir()
    shutil.copy(package / "bootstrap", root / "bootstrap")
    (root / "etc" / "resolv.conf").write_text(f"nameserver {ToyDNS.ADDRESS}\n")
    starter = new_folder("starter") / "start"
    starter.write_text(
        "#!/bin/sh\n"
        f'export USHER_DYNAMODB="${{USHER_DYNAMODB%%:*}}://{NAME}:${{USHER_DYNAMODB##*:}}"\n'
        "exec unshare --mount /bin/sh -c '\n"
        f'mount -t proc proc "{root}/proc" && exec /usr/sbin/chroot "{root}" /bootstrap\'\n')
    starter.chmod(0o755)
    monkeypatch.setenv("USHER_LAMBDA", str(starter))
    return root


@pytest.fixture
def dns():
    server = ToyDNS(NAME, "127.0.0.1")
    yield server
    server.close()


def meet(home):
    application = home.application()
    with home.classic(application) as ann, home.v1(application) as bob:
        ann.join("room", id="ann")
        ann.expect("first_to_join")
        bob.join("room", id="bob")
        assert ann.expect("someone_joined")["peerId"] == "bob"


@pytest.fixture
def start(token_service, empty_root):
    """Starts a home whose function asks by TLS alone: nothing else leaves a machine."""
    homes = []

    def start_one():
        chain = certificate(new_folder("function-tls"), [NAME, "localhost"])
        (empty_root / "ca.pem").write_bytes(chain[0].read_bytes())
        homes.append(Home(token_service, {"USHER_CA": "/ca.pem"}, certificate=chain))
        return homes[-1]
    yield start_one
    for home in homes:
        home.stop()


def test_it_runs_in_an_empty_root_resolves_names_and_speaks_tls(start, empty_root, dns):
    meet(start())
    assert dns.question in dns.asked
    assert sorted(path.name for path in empty_root.iterdir()) == [
        "bootstrap", "ca.pem", "etc", "proc"]


def test_ways_of_the_c_library_that_cannot_be_loaded_are_not_tried(start, empty_root, dns):
    (empty_root / "etc" / "nsswitch.conf").write_text("hosts: myhostname resolve mymachines\n")
    meet(start())
    assert dns.question in dns.asked


def test_a_name_that_nobody_knows_is_no_end_of_the_function(start, empty_root):
    (empty_root / "etc" / "resolv.conf").write_text("nameserver 127.0.0.78\noptions timeout:1\n")
    home = start()
    assert home.status(home.application().token()) == 503
