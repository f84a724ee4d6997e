"""No network beyond this machine, for every Python started with this folder on PYTHONPATH."""

import socket

OWN = {"", "localhost", "::1", "::", "0.0.0.0", socket.gethostname()}


class NetworkUse(OSError):
    """Something asked for another machine, which after the install nothing may."""


def _check(host, what):
    host = host.decode() if isinstance(host, bytes) else host
    if host is not None and host not in OWN and not host.startswith("127."):
        raise NetworkUse(f"network use after install: {what} {host!r}")


def _guard_method(name):
    original = getattr(socket.socket, name)

    def guarded(self, *arguments):
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _check(arguments[-1][0], name)  # the address comes last
        return original(self, *arguments)

    setattr(socket.socket, name, guarded)


def _guard_lookup(name):
    original = getattr(socket, name)

    def guarded(host, *arguments, **options):
        _check(host, name)
        return original(host, *arguments, **options)

    setattr(socket, name, guarded)


for method in ("connect", "connect_ex", "sendto"):
    _guard_method(method)
for lookup in ("getaddrinfo", "gethostbyname", "gethostbyname_ex"):
    _guard_lookup(lookup)
