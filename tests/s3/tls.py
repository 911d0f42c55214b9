#!/usr/bin/env python3
"""S3 over TLS, path style and virtual-host style, and the end of a connection as clients want it."""
import contextlib
import io
import os
import shutil
import signal
import socket
import ssl

from s3_cluster import digest, main, noise, refused, run


@contextlib.contextmanager
def names_below_localhost():
    """Names below s3.localhost are this machine, as a wildcard record would say."""
    original = socket.getaddrinfo

    def resolve(host, *arguments, **names):
        return original("127.0.0.1" if str(host).endswith("localhost") else host, *arguments, **names)
    socket.getaddrinfo = resolve
    try:
        yield
    finally:
        socket.getaddrinfo = original


def authority(s3):
    return os.path.join(s3.dir, "gateway", "authority.pem")


def bodies_of_every_kind_come_back(s3):
    """Over TLS boto3 does not sign the body; with payload_signing_enabled it does."""
    endpoint = f"https://localhost:{s3.port('gateway-tls')}"
    with names_below_localhost():
        for signing in (False, True):
            client = s3.client_of(endpoint=endpoint, verify=authority(s3),
                                  s3={"addressing_style": "path", "payload_signing_enabled": signing})
            if not signing:
                client.create_bucket(Bucket="safe")
            for size in (0, 5, 100_000, 9_000_000):
                content = noise(size, seed=size)
                client.put_object(Bucket="safe", Key=f"{signing}/{size}", Body=content)
                back = client.get_object(Bucket="safe", Key=f"{signing}/{size}")["Body"].read()
                assert digest(back) == digest(content), (signing, size)


def a_checksum_that_comes_behind_the_body_is_kept(s3):
    """Over TLS boto3 sends it in a trailer."""
    content = noise(300_000)
    with names_below_localhost():
        client = s3.client_of(endpoint=f"https://localhost:{s3.port('gateway-tls')}",
                              verify=authority(s3))
        for algorithm in ("CRC32", "SHA1", "SHA256"):
            given = client.put_object(Bucket="safe", Key=algorithm, Body=io.BytesIO(content),
                                      ChecksumAlgorithm=algorithm)
            head = client.head_object(Bucket="safe", Key=algorithm, ChecksumMode="ENABLED")
            assert head[f"Checksum{algorithm}"] == given[f"Checksum{algorithm}"]
            assert client.get_object(Bucket="safe", Key=algorithm)["Body"].read() == content


def a_bucket_may_be_in_the_name_of_the_host(s3):
    with names_below_localhost():
        for scheme, port in (("http", "gateway"), ("https", "gateway-tls")):
            client = s3.client_of(endpoint=f"{scheme}://s3.localhost:{s3.port(port)}",
                                  verify=authority(s3), s3={"addressing_style": "virtual"})
            client.put_object(Bucket="safe", Key="a/b", Body=scheme.encode())
            assert s3.hearth("cat", "s3://safe/a/b").out == scheme.encode()
            assert client.get_object(Bucket="safe", Key="a/b")["Body"].read() == scheme.encode()
            with refused(404, "NoSuchBucket"):
                client.get_object(Bucket="unsafe", Key="a/b")


def a_connection_ends_with_close_notify(s3):
    context = ssl.create_default_context(cafile=authority(s3))
    with socket.create_connection(("127.0.0.1", int(s3.port("gateway-tls"))), timeout=60) as plain:
        with context.wrap_socket(plain, server_hostname="localhost",
                                 suppress_ragged_eofs=False) as tls:
            assert tls.version() in ("TLSv1.3", "TLSv1.2")
            tls.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n")
            answer = b""
            while piece := tls.recv(65536):  # an end without close_notify raises
                answer += piece
            assert answer.startswith(b"HTTP/1.1 200 ") and answer.endswith(b"live\n"), answer


def old_tls_is_not_spoken(s3):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.minimum_version = ssl.TLSVersion.TLSv1
    context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with socket.create_connection(("127.0.0.1", int(s3.port("gateway-tls"))), timeout=60) as plain:
        try:
            context.wrap_socket(plain)
        except (ssl.SSLError, ConnectionError):
            return
    raise AssertionError("TLS 1.1 was spoken")


def connect(s3):
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    plain = socket.create_connection(("127.0.0.1", int(s3.port("gateway-tls"))), timeout=60)
    return context.wrap_socket(plain, server_hostname="localhost")


def lives(tls):
    tls.sendall(b"GET /health/live HTTP/1.1\r\nHost: h\r\n\r\n")
    answer = b""
    while not answer.endswith(b"live\n"):
        piece = tls.recv(65536)
        assert piece, answer
        answer += piece


def hang_up(s3):
    """SIGHUP, until the log says what became of the certificate."""
    def said():
        with open(os.path.join(s3.dir, "gateway", "log")) as file:
            return sum("certificate" in line for line in file)
    before = said()
    os.kill(s3.pids()["gateway"], signal.SIGHUP)
    while said() == before:
        pass


def a_new_certificate_is_taken_at_sighup_and_connections_go_on(s3):
    home = os.path.join(s3.dir, "gateway")
    old = connect(s3)
    lives(old)
    before = old.getpeercert(binary_form=True)
    run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "30", "-subj", "/CN=localhost", "-keyout", s3.path("key.pem"),
         "-out", s3.path("certificate.pem")])
    shutil.copy(s3.path("certificate.pem"), home)
    hang_up(s3)  # without its key it is refused
    with connect(s3) as tls:
        assert tls.getpeercert(binary_form=True) == before
    shutil.copy(s3.path("key.pem"), home)
    hang_up(s3)
    with connect(s3) as tls:
        lives(tls)
        assert tls.getpeercert(binary_form=True) != before
    lives(old)
    old.close()


main(bodies_of_every_kind_come_back,
     a_checksum_that_comes_behind_the_body_is_kept,
     a_bucket_may_be_in_the_name_of_the_host,
     a_connection_ends_with_close_notify,
     old_tls_is_not_spoken,
     a_new_certificate_is_taken_at_sighup_and_connections_go_on)
