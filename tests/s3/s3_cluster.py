"""A cluster with its gateway for one test, and S3 clients that speak to it.

    def objects_come_back(s3):
        s3.client.put_object(Bucket="b", Key="k", Body=b"...")

    main(objects_come_back)
"""
import contextlib
import http.client
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "integration"))
import cluster as base  # noqa: E402
from cluster import digest, noise, run  # noqa: E402,F401

import boto3  # noqa: E402
import botocore.config  # noqa: E402
import botocore.exceptions  # noqa: E402


class S3Cluster(base.Cluster):
    """As Cluster, with what a client has to know."""

    def __enter__(self):
        super().__enter__()
        with open(os.path.join(self.dir, "s3.env")) as file:
            self.env = dict(line.strip().split("=", 1) for line in file if "=" in line)
        self.client = self.client_of()
        return self

    def logs(self):
        return super().logs() + [os.path.join(self.dir, "gateway", "log")]

    @property
    def endpoint(self):
        return self.env["AWS_ENDPOINT_URL"]

    def limit_gateway(self, **limits):
        """The gateway is started anew with these."""
        path = os.path.join(self.dir, "gateway", "hearth-gateway.conf")
        with open(path) as file:
            text = file.read().split("[limits]")[0]
        with open(path, "w") as file:
            file.write(text + "[limits]\n" + "".join(f"{n} = {v}\n" for n, v in limits.items()))
        if "gateway" in self.pids():
            self.kill("gateway")
        self.start("gateway")

    def client_of(self, key=None, secret=None, endpoint=None, verify=None, **config):
        """A boto3 client; without arguments that of s3.env.  No retries: what fails is seen."""
        settings = {"retries": {"max_attempts": 0}, "signature_version": "s3v4",
                    "s3": {"addressing_style": "path"}, **config}
        return boto3.client(
            "s3", endpoint_url=endpoint or self.endpoint, region_name="us-east-1",
            aws_access_key_id=key or self.env["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=secret or self.env["AWS_SECRET_ACCESS_KEY"],
            verify=verify, config=botocore.config.Config(**settings))

    def aws(self, *arguments, fails=0, data=None):
        """Debian's aws-cli."""
        env = {**self.env, "AWS_DEFAULT_REGION": "us-east-1", "AWS_EC2_METADATA_DISABLED": "true",
               "HOME": self.base}
        return run(["aws", "--endpoint-url", self.endpoint, *map(str, arguments)], fails=fails,
                   data=data, env=env)

    def raw(self, method, target, body=None, headers=None, port="gateway"):
        """A request by hand, signed or not: status, headers (lower case), body."""
        connection = http.client.HTTPConnection("127.0.0.1", int(self.port(port)), timeout=60)
        connection.putrequest(method, target, skip_accept_encoding=True)
        for name, value in (headers or {}).items():
            connection.putheader(name, value)
        if body is not None:
            connection.putheader("Content-Length", str(len(body)))
        connection.endheaders(body)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        return answer.status, {k.lower(): v for k, v in answer.getheaders()}, content


@contextlib.contextmanager
def refused(status, code):
    """What is done inside must be answered so."""
    try:
        yield
    except botocore.exceptions.ClientError as error:
        answer = error.response
        seen = (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"])
        if seen != (status, code):
            raise AssertionError(f"expected {(status, code)}, got {seen}: {answer}") from error
        return
    raise AssertionError(f"expected {(status, code)}, and it was done")


def main(*claims, nodes=8, world=S3Cluster):
    base.main(*claims, nodes=nodes, world=world)
