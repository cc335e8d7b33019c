"""The client as a package: its types, its builds, their maps and sizes, where it is imported."""

import gzip
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import pytest

from support import calls, http
from support.browser import Visit
from support.usher import CHECKOUT, new_folder

CLIENT = CHECKOUT / "client"
DIST = CLIENT / "dist"
BUILDS = ["webrtc-client.js", "webrtc-client.min.js", "webrtc-client.iife.js",
          "webrtc-client.iife.min.js"]
GZIPPED_MAX = 14_000

# A wrong use is followed by the name of the fault: where types are silently `any`, there is none.
CONSUMER = """
import Default, { WebRtcClient } from 'usher-webrtc-client';
import type {
  ClientEvent, ClientState, PeerInfo, PeerStats, WebRtcClientOptions,
} from 'usher-webrtc-client';

const options: WebRtcClientOptions = {
  sessionId: 'room', getToken: async () => 'token', video: { audio: true, video: true },
};
const client: WebRtcClient = new Default(options);
client.addEventListener('message', ({ detail }) => {
  const data: string | ArrayBuffer = detail.data;
  console.log(detail.peerId, data);
});
client.addEventListener('someone_left', (event: ClientEvent<'someone_left'>) => {
  console.log(event.detail.reason);
});
const state: ClientState = client.state;
const infos: PeerInfo[] = Object.values(client.peerInfo);
const stats: Promise<PeerStats | undefined> = client.stats('peer');
console.log(state, infos, stats);

const number: number = client.roomId;  // TS2322
client.roomId = 'other';  // TS2540
client.addEventListener('mesage', () => undefined);  // TS2345
client.addEventListener('noMedia', ({ detail }) => detail.peerId);  // TS2339
new WebRtcClient({ name: 'x' });  // TS2345
new WebRtcClient({ sessionId: 'x', videos: {} });  // TS2345
new WebRtcClient({ sessionId: 'x', dialect: 'v2' });  // TS2322
new WebRtcClient({ sessionId: 'x', video: true });  // TS2559
infos[0]!.peerid;  // TS2551
"""


@pytest.fixture
def project():
    """A folder in which the package is installed, with what npm would put there."""
    folder = new_folder("package")
    package = folder / "node_modules" / "usher-webrtc-client"
    package.mkdir(parents=True)
    for name in ["package.json", *fields()["files"]]:
        copy = shutil.copytree if (CLIENT / name).is_dir() else shutil.copy
        copy(CLIENT / name, package / name)
    (folder / "package.json").write_text('{ "type": "module" }')
    return folder


def fields():
    return json.loads((CLIENT / "package.json").read_text())


def expected_faults(source):
    return [(number, fault) for number, line in enumerate(source.split("\n"), 1)
            for fault in re.findall(r"// (TS\d+)$", line)]


@pytest.mark.parametrize("skips", ["true", "false"])
@pytest.mark.parametrize("resolution", ["node", "node16", "nodenext"])
def test_types_are_found_whichever_way_modules_are_resolved(project, resolution, skips):
    (project / "page.ts").write_text(CONSUMER)
    module = "es2020" if resolution == "node" else resolution
    done = subprocess.run(
        ["tsc", "--noEmit", "--strict", "--target", "es2020", "--module", module,
         "--moduleResolution", resolution, "--skipLibCheck", skips, "page.ts"],
        cwd=project, capture_output=True, text=True, timeout=120, check=False)
    found = re.findall(r"^(\S+)\((\d+),\d+\): error (TS\d+)", done.stdout, re.MULTILINE)
    assert [(int(line), fault) for file, line, fault in found] == expected_faults(CONSUMER), (
        done.stdout)
    assert {file for file, *_ in found} == {"page.ts"}


def test_every_file_that_the_package_names_is_there(project):
    package = project / "node_modules" / "usher-webrtc-client"
    named = fields()
    entry = named["exports"]["."]
    for name in [named["main"], named["module"], named["types"], named["unpkg"],
                 named["jsdelivr"], entry["types"], entry["default"]]:
        assert (package / name).is_file(), name
    # A script tag gets a script, and the smaller one.
    assert named["unpkg"] == named["jsdelivr"] == "./dist/webrtc-client.iife.min.js"


def test_the_minified_client_is_small():
    # Counted is the whole file as a server would send it with `gzip -9`: everything that the client
    # can do, and the line that names the source map, without the map.
    for name in ("webrtc-client.min.js", "webrtc-client.iife.min.js"):
        size = len(gzip.compress((DIST / name).read_bytes(), 9))
        assert size <= GZIPPED_MAX, f"{name}: {size} bytes gzipped"


def test_what_is_shortened_is_no_name_of_anybody_else():
    done = subprocess.run(
        ["node", CHECKOUT / "scripts" / "internal_names.cjs"], capture_output=True, text=True,
        timeout=60, check=True, env={**os.environ, "NODE_PATH": "/usr/share/nodejs"})
    shortened = set(done.stdout.split())
    assert {"hasOpened", "takenSince", "outbox"} <= shortened
    members = re.compile(r"^ +(?:readonly |get )?(\w+)\??(?:<.*>)?[:(]", re.MULTILINE)
    public = set(members.findall((DIST / "types" / "types.d.ts").read_text()))
    for name in ("client.d.ts", "emitter.d.ts"):
        public |= set(members.findall((DIST / "types" / name).read_text()))
    assert {"keepSession", "sendChannel", "addEventListener", "audioDeviceId"} <= public
    wire = set(re.findall(r'"(\w+)":', (CHECKOUT / "docs" / "protocol.md").read_text()))
    assert {"connectionId", "offererId", "ack", "reconnectWithinSeconds"} <= wire
    wire |= {"again", "answer", "ice", "link", "offer", "proofs"}  # What pages say to each other.
    wire |= {"client", "client_id", "expires_in", "room", "rooms", "token"}  # In forms and URLs.
    assert shortened & (public | wire) == set()


@pytest.mark.parametrize("name", BUILDS)
def test_each_build_has_a_map_to_its_sources(name):
    last = (DIST / name).read_text().rstrip("\n").rsplit("\n", 1)[-1]
    assert last == f"//# sourceMappingURL={name}.map"
    source_map = json.loads((DIST / f"{name}.map").read_text())
    assert source_map["version"] == 3 and source_map["mappings"]
    sources = dict(zip(source_map["sources"], source_map["sourcesContent"], strict=True))
    assert "../src/client.ts" in sources
    for source, content in sources.items():
        # So they are shown wherever the two files were copied to.
        assert (DIST / source).read_text() == content, source


def test_the_demo_asks_for_no_map_that_it_does_not_have(start):
    script = http.get(start("--demo").url, "/demo/webrtc-client.js")
    assert script.status == 200
    assert b"WebRtcClient" in script.body
    assert b"sourceMappingURL" not in script.body


def test_a_build_that_is_not_of_these_sources_is_found():
    copy = new_folder("checkout")
    shutil.copytree(CHECKOUT / "scripts", copy / "scripts")
    shutil.copytree(CLIENT, copy / "client")
    files = [path for path in (copy / "client" / "dist").rglob("*") if path.is_file()]
    for path in files:
        path.write_text(path.read_text() + "\n")
    done = subprocess.run(
        [copy / "scripts" / "build-client", "--check"], capture_output=True, text=True,
        timeout=300, check=False)
    assert done.returncode != 0
    for path in files:
        name = path.relative_to(copy / "client").as_posix()
        assert re.search(rf"^diff -r {re.escape(name)} ", done.stderr, re.MULTILINE), name
    left = {path.name for path in (copy / "client").iterdir()}
    assert left == {path.name for path in CLIENT.iterdir()}


@pytest.mark.parametrize("module", ["usher-webrtc-client",
                                    "usher-webrtc-client/dist/webrtc-client.min.js"])
def test_node_imports_it_and_is_told_that_there_is_no_webrtc(project, module):
    script = f"""
import Default, {{ WebRtcClient }} from '{module}';
if (Default !== WebRtcClient) throw new Error('there are two of them');
try {{
  new WebRtcClient({{ sessionId: 'lobby', signallingServer: 'wss://meet.example' }});
}} catch (error) {{
  console.log(String(error));
}}"""
    done = subprocess.run(
        ["node", "--input-type=module", "-e", script], cwd=project, capture_output=True, text=True,
        timeout=60, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("TypeError: There is no RTCPeerConnection here")


MODULE = """<!doctype html><title>A module</title>
<script type="module">
  import { WebRtcClient } from './webrtc-client.min.js';
  begin(WebRtcClient);
</script>"""
SCRIPT = """<!doctype html><title>A script</title>
<script src="webrtc-client.iife.min.js"></script>
<script>addEventListener('DOMContentLoaded', () => begin(WebRtcClient));</script>"""
BEGIN = """<script>
  const heard = [];
  function begin(Client) {
    const [server, token, name] = JSON.parse(decodeURIComponent(location.hash.slice(1)));
    window.client = new Client({
      signallingServer: server, sessionId: 'lobby', getToken: () => token, id: name });
    client.addEventListener('message', ({ detail }) => heard.push(detail.data));
    client.addEventListener('sendChannelOpen', ({ detail }) => client.send(detail.peerId, name));
  }
</script>"""


def test_minified_module_and_script_meet(browser, application, server):
    with calls.backend(application) as backend:
        # An emoji that a shorter name would cut in two: it is in the room all the same.
        ids = {"module.html": "module-\U0001f600-17", "script.html": "script-\U0001f600-17"}
        backend.files.update({"module.html": BEGIN + MODULE, "script.html": BEGIN + SCRIPT})
        pages = []
        for page, name in ids.items():
            about = json.dumps([server.websocket_url, application.token(subject=page), name])
            pages.append(Visit(browser, f"{backend.url}/{page}#{urllib.parse.quote(about)}"))
        for page, other in zip(pages, reversed(ids.values())):
            page.until(f"heard.includes({json.dumps(other)})")
        for page in pages:
            assert page.complaints == []
            page.close()
