"""One question to a DNS server, asked directly, so that the machine's own resolver is not involved."""

import socket
import struct

_HEADER = struct.Struct("!6H")
_RECURSION_DESIRED = 0x0100
_ADDRESS, _INTERNET = 1, 1


def answers(server: str, name: str, timeout: float = 1) -> bool:
    """Whether a DNS server knows an address of a name."""
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"
    identity = 0x5115
    packet = _HEADER.pack(identity, _RECURSION_DESIRED, 1, 0, 0, 0) + question + struct.pack("!2H", _ADDRESS, _INTERNET)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as connection:
        connection.settimeout(timeout)
        try:
            connection.connect((server, 53))
            connection.send(packet)
            answer = connection.recv(512)
        except OSError:  # the server does not listen yet, or there is no route
            return False
    if len(answer) < _HEADER.size:
        return False
    got, flags, _, count, _, _ = _HEADER.unpack_from(answer)
    return got == identity and flags & 0x000F == 0 and count > 0
