"""Pages of the built client whose devices the tests may play."""

import pytest

VIDEO = {"audio": True, "video": True}
# Notes what is asked for and given; `answer` of a test may stand in for the browser.
DEVICES = """
window.asked = [];
window.opened = [];
const media = MediaDevices.prototype;
const real = media.getUserMedia;
media.getUserMedia = async function (wanted) {
  asked.push(wanted);
  const stream = await (window.answer?.(wanted) ?? real.call(this, wanted));
  opened.push(...stream.getTracks());
  return stream;
};
window.ask = (wanted) => real.call(navigator.mediaDevices, wanted);
window.no = (name) => Promise.reject(new DOMException(name, name));
window.painted = (color) => {
  const canvas = document.createElement('canvas');
  const paint = canvas.getContext('2d');
  setInterval(() => {
    paint.fillStyle = color;
    paint.fillRect(0, 0, 300, 150);
  }, 50);
  return canvas.captureStream(20);
};
window.tone = async () => (await ask({ audio: true })).getAudioTracks()[0];
"""


@pytest.fixture
def call(call):
    """Opens pages as `call` of support/pages.py does; `answer` stands in for `getUserMedia`."""

    def open_page(name, answer="", script="", **options):
        script = DEVICES + script + (f"window.answer = {answer};" if answer else "")
        return call(name, script=script, **options)

    return open_page


def problems(page):
    return [(one["detail"]["device"], one["detail"]["err"].split(":")[0],
             one["detail"]["willReplace"]) for one in page.events("mediaProblem")]


def sees(page, name, more_than=3):
    page.until(f"(async () => (await framesDecoded())['id-{name}'] > {more_than})()", 30)


def kinds(page):
    return page.page.evaluate(
        "client.localStream?.getTracks().map((one) => one.kind).sort().join()")


def states(page):
    return page.page.evaluate("opened.map((one) => `${one.kind} ${one.readyState}`)")


# Asking
