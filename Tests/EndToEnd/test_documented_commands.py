"""Every shell command that README.md and docs/ show is run, or says why it is not.

A block is marked on the line before its fence: `<!-- test: NAME -->` has it run here, and
`<!-- not run: REASON -->` keeps it from being run. Blocks of one document run in order, in one
shell and one empty home folder, with `usher` on the PATH. A server that a block leaves running in
the background is stopped after the document's last block.
"""

import os
import re
import socket
import subprocess

import pytest

from support import ledger
from support.documents import blocks, shell_blocks
from support.usher import binary, environment, new_folder

BLOCKS = shell_blocks()
DOCUMENTS = sorted({block.document for block in BLOCKS if block.name})
PATIENCE_SECONDS = 60


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_shell_block_is_marked(block):
    assert block.name or block.reason_not_to_run, (
        f"{block}: put `<!-- test: NAME -->` or `<!-- not run: REASON -->` before the fence")


@pytest.fixture
def default_ports():
    """Documents show the default ports, so these must be free."""
    for port in (8080, 9090):
        try:
            socket.create_server(("127.0.0.1", port)).close()
        except OSError as error:
            pytest.fail(f"port {port} is in use, which the documents' commands need: {error}")


@pytest.mark.usefixtures("default_ports")
@pytest.mark.parametrize("document", DOCUMENTS)
def test_the_commands_of_a_document_work(document):
    home = new_folder("documented")
    script = "set -eu\n" + "".join(
        f"echo '--- {block.line}: {block.name}' >&2\n{block.script}"
        for block in BLOCKS if block.document == document and block.name)
    log = ledger.new_log("documented-" + document.replace("/", "_"))
    path = f"{binary().parent}:{os.environ['PATH']}"
    with log.open("w") as errors, (home / "stdout").open("w") as output:
        shell = subprocess.Popen(
            ["bash", "-c", script], cwd=home, stdin=subprocess.DEVNULL, stdout=output,
            stderr=errors, env={**environment(home), "PATH": path}, start_new_session=True)
        try:
            status = shell.wait(timeout=PATIENCE_SECONDS)
        finally:
            stop_all(shell.pid)
            remember_secrets_in((home / "stdout").read_text())
    assert status == 0, log.read_text()[-2000:]


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
