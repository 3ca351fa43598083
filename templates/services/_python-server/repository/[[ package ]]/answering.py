"""Sends whole answers over HTTP."""

from http.server import BaseHTTPRequestHandler


class Answers(BaseHTTPRequestHandler):
    """A connection that stays open from answer to answer."""

    protocol_version = "HTTP/1.1"

    def send(self, status: int, kind: str, text: str) -> None:
        """Sends a status, and a text of a content type."""
        body = text.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
