"""Every shell command that docs/ and the documents at the top show is run, or says why it is not.

A block is marked on the line before its fence: `<!-- test: NAME -->` has it run here, and `<!-- not
run: REASON -->` keeps it from being run. Blocks of one document run in order, in one shell and one
empty home folder, those of CONTRIBUTING.md in the checkout, with `usher` on the PATH. A server that
a block leaves running in the background is stopped after the document's last block. A block behind
`<!-- file: PATH -->` is saved there before the first one runs. What stands behind `<!-- on three
hosts: WHERE -->` is done there by test_cluster_document.py.
"""

import contextlib
import socket

import pytest

from support.documents import blocks, shell_blocks
from support.walkthrough import DEFAULT_PORTS, Walkthrough, is_free

pytestmark = pytest.mark.takes("documented ports")
BLOCKS = shell_blocks()
DOCUMENTS = sorted({block.document for block in BLOCKS if block.name})


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_shell_block_is_marked(block):
    assert block.name or block.reason_not_to_run or block.hosts, (
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
    Walkthrough(document).finish()


def test_the_reader_of_documents_sees_marks_and_fences():
    text = "\n".join([
        "Text", "<!-- test: add -->", "```sh", "usher client add", "```", "", "```json", "{}",
        "```", "1. item", "   <!-- not run: needs a domain -->", "   ```sh", "   curl x", "   ```",
        "", "```sh", "unmarked", "```", "<!-- file: page/index.html -->", "```html", "<p>", "```",
    ])
    found = blocks("a.md", text)
    assert [(b.line, b.language, b.name, b.reason_not_to_run) for b in found] == [
        (3, "sh", "add", None), (7, "json", None, None), (12, "sh", None, "needs a domain"),
        (16, "sh", None, None), (20, "html", None, None)]
    assert [b.file for b in found] == [None, None, None, None, "page/index.html"]
    assert found[2].script == "curl x\n"
