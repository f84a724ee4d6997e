"""No test, and no process that a test starts, reaches another machine."""

import socket
import subprocess
import sys

import pytest

OUTSIDE = "192.0.2.1"  # kept free for examples: no machine has it
ASK = f"import socket; socket.create_connection(('{OUTSIDE}', 80), timeout=1)"


@pytest.mark.parametrize(
    "ask",
    [
        lambda tcp, udp: socket.create_connection((OUTSIDE, 80), timeout=1),
        lambda tcp, udp: tcp.connect(("2001:db8::1", 80)),
        lambda tcp, udp: tcp.connect_ex(("2001:db8::1", 80)),
        lambda tcp, udp: udp.sendto(b"", (OUTSIDE, 9)),
        lambda tcp, udp: udp.sendto(b"", 0, (OUTSIDE, 9)),
        lambda tcp, udp: socket.getaddrinfo("example.org", 80),
        lambda tcp, udp: socket.getaddrinfo(host=b"example.org", port=80),
        lambda tcp, udp: socket.gethostbyname("localhost.example.org"),
    ],
)
def test_another_machine_is_out_of_reach(ask):
    with (
        socket.socket(socket.AF_INET6) as tcp,
        socket.socket(type=socket.SOCK_DGRAM) as udp,
        pytest.raises(OSError, match="network use after install"),
    ):
        ask(tcp, udp)


def test_a_process_that_a_test_starts_is_offline_too():
    run = subprocess.run([sys.executable, "-c", ASK], capture_output=True, text=True)
    assert "NetworkUse: network use after install: getaddrinfo '192.0.2.1'" in run.stderr


@pytest.mark.slow
def test_a_kernel_is_offline_too():
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError
    from nbformat.v4 import new_code_cell, new_notebook

    notebook = new_notebook(cells=[new_code_cell(ASK)])
    with pytest.raises(CellExecutionError, match="network use after install"):
        NotebookClient(notebook, kernel_name="python3").execute()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_this_machine_is_in_reach(host):
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection((host, server.getsockname()[1]), timeout=5) as client,
        server.accept()[0] as connection,
    ):
        client.sendall(b"hello")
        assert connection.recv(5) == b"hello"


@pytest.mark.skipif(not hasattr(socket, "AF_UNIX"), reason="no such sockets here")
def test_a_socket_in_a_file_is_in_reach(tmp_path):
    with socket.socket(socket.AF_UNIX) as server, socket.socket(socket.AF_UNIX) as client:
        server.bind(str(tmp_path / "s"))
        server.listen()
        client.connect(str(tmp_path / "s"))
