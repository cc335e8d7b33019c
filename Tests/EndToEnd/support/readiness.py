"""What /readyz of a service says."""

from . import http


def readiness(server):
    answer = http.get(server.operator, "/readyz")
    return answer.status, answer.json
