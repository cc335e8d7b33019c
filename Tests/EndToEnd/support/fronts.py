"""The proxies of deploy/cluster in front of the nodes of a cluster, as https://localhost:PORT."""

from .proxies import DEPLOY, ReverseProxy, address, certificate, free_port
from .usher import new_folder

KEPT = {"haproxy": "balance url_param room\n    hash-type consistent",
        "nginx": "hash $usher_room consistent;"}
SPREAD = {"haproxy": "balance leastconn", "nginx": "least_conn;"}


class Front(ReverseProxy):
    """One of the samples; `keeps`: rooms at nodes, as it stands there, or in place of that it
    spreads connections, as the sample says how."""

    may_repeat = False

    def __init__(self, kind, nodes, keeps=True):
        self.nodes, self.keeps, self.kind = nodes, keeps, kind
        super().__init__(kind, None, None, free_port(), certificate(new_folder("tls")))
        self.socket_url = self.url

    def _sample(self, values):
        name = {"haproxy": "haproxy.cfg", "nginx": "nginx.conf"}[self.kind]
        text = (DEPLOY / "cluster" / name).read_text()
        if not self.keeps:
            assert SPREAD[self.kind] in text, "the sample says how"
            values = {**values, KEPT[self.kind]: SPREAD[self.kind]}
        for old, new in values.items():
            assert old in text, f"deploy/cluster/{name} has no {old}"
            text = text.replace(old, str(new))
        (self.folder / name).write_text(text)
        return self.folder / name

    def _haproxy(self, _, __, port, crt, ___):
        servers = {
            f"server {name} 10.0.0.{number}:8080":
                f"server {name} {address(node.url)} port {node.operator.rpartition(':')[2]}"
            for number, (name, node) in enumerate(
                zip(("one", "two", "three"), self.nodes, strict=True), 1)}
        return ["haproxy", "-db", "-f", self._sample({
            **servers, "bind :443": f"bind 127.0.0.1:{port}",
            "/etc/ssl/meet.example.both.pem": crt.parent / "both.crt"})]

    def _nginx(self, _, __, port, crt, key):
        sample = self._sample({
            **{f"10.0.0.{number}:8080": address(node.url)
               for number, node in enumerate(self.nodes, 1)},
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "server_name meet.example": "server_name localhost",
            "/etc/ssl/meet.example.pem": crt, "/etc/ssl/meet.example.key": key})
        return self.nginx_of(sample)
