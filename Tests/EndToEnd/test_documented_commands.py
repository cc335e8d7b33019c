"""Every shell command that README.md and docs/ show is run, or says why it is not.

A block is marked on the line before its fence: `<!-- test: NAME -->` has it run here, and
`<!-- not run: REASON -->` keeps it from being run. Blocks of one document run in order, in one
shell and one empty home folder, with `usher` on the PATH. A server that a block leaves running in
the background is stopped after the document's last block.
"""

import contextlib
import os
import re
import socket
import subprocess

import pytest

from support import ledger
from support.documents import blocks, shell_blocks
from support.proxies import free_port
from support.usher import binary, environment, new_folder

BLOCKS = shell_blocks()
DOCUMENTS = sorted({block.document for block in BLOCKS if block.name})
PATIENCE_SECONDS = 60
# Documents show these ports; a machine on which the tests run may have them taken.
DEFAULT_PORTS = {8080: "USHER_LISTEN", 9090: "USHER_OPERATOR"}
PORT = re.compile(r"(?:127\.0\.0\.1|localhost):(\d+)")


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_shell_block_is_marked(block):
    assert block.name or block.reason_not_to_run, (
        f"{block}: put `<!-- test: NAME -->` or `<!-- not run: REASON -->` before the fence")


@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_work(document):
    run(document)


def test_commands_work_beside_other_servers_on_the_default_ports():
    with contextlib.ExitStack() as others:
        for port in DEFAULT_PORTS:
            if is_free(port):
                others.enter_context(socket.create_server(("127.0.0.1", port)))
        run("README.md")


def run(document):
    home = new_folder("documented")
    script = "set -eu\n" + "".join(
        f"echo '--- {block.line}: {block.name}' >&2\n{block.script}"
        for block in BLOCKS if block.document == document and block.name)
    script, places = on_free_ports(script)
    log = ledger.new_log("documented-" + document.replace("/", "_"))
    path = f"{binary().parent}:{os.environ['PATH']}"
    with log.open("w") as errors, (home / "stdout").open("w") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=home, stdin=subprocess.DEVNULL, stdout=output,
            stderr=errors, env={**environment(home, **places), "PATH": path},
            start_new_session=True)
        try:
            status = shell.wait(timeout=PATIENCE_SECONDS)
        finally:
            stop_all(shell.pid)
            remember_secrets_in((home / "stdout").read_text())
    assert status == 0, log.read_text()[-2000:]


def on_free_ports(script):
    """The script with another port for each that is taken here, and, where it is one that `usher
    serve` takes by itself, the setting that moves it there."""
    places = {}
    for port in {*DEFAULT_PORTS, *map(int, PORT.findall(script))}:
        if is_free(port):
            continue
        other = free_port()
        script = re.sub(rf"(?<=:){port}\b", str(other), script)
        if port in DEFAULT_PORTS:
            places[DEFAULT_PORTS[port]] = f"127.0.0.1:{other}"
    return script, places


def is_free(port):
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def remember_secrets_in(text):
    """Secrets and tokens that commands print, as they should: they must not be logged as well."""
    for secret in re.findall(r"client_secret\W+([\w-]{43})\b", text):
        ledger.remember(secret, "a documented secret")
    for token in re.findall(r"eyJ[\w-]+\.[\w-]+\.[\w-]+", text):
        ledger.remember(token, "a documented token")


def stop_all(group):
    """Ends whatever the commands left in the background."""
    try:
        os.killpg(group, 15)
    except ProcessLookupError:
        pass


def test_the_reader_of_documents_sees_marks_and_fences():
    text = "\n".join([
        "Text", "<!-- test: add -->", "```sh", "usher client add", "```", "", "```json", "{}",
        "```", "1. item", "   <!-- not run: needs a domain -->", "   ```sh", "   curl x", "   ```",
        "", "```sh", "unmarked", "```",
    ])
    found = blocks("a.md", text)
    assert [(b.line, b.language, b.name, b.reason_not_to_run) for b in found] == [
        (3, "sh", "add", None), (7, "json", None, None), (12, "sh", None, "needs a domain"),
        (16, "sh", None, None)]
    assert found[2].script == "curl x\n"
