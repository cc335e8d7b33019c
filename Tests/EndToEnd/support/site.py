"""Web servers of the tests' own, each on a free port and a thread."""

import http.server
import ssl
import sys
import threading


class QuietHandler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass


class Site(http.server.ThreadingHTTPServer):
    """Serves at once; with `tls`, the paths of certificate and key, over TLS."""

    daemon_threads = True

    def __init__(self, handler, address="127.0.0.1", tls=None):
        super().__init__((address, 0), handler)
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*tls)
            self.socket = context.wrap_socket(self.socket, server_side=True)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        # A page that is closed resets what it has open; that is nobody's fault.
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)

    def close(self):
        self.shutdown()
        self.server_close()
