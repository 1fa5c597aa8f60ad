"""Servers on 127.0.0.1 that stand in for what an AWS client talks to, for identity.py and environment.py.

Every key id that one of them gives out says who asked for it and for what, so that the key id in a signature tells the
whole way by which it was found.
"""

import http.server
import json
import re
import threading
import urllib.parse
from xml.sax.saxutils import escape

# A manifest whose source no server lists: what signs the listing is all that is asked.
MANIFEST = """\
apiVersion: repave.dev/v1alpha1
kind: UpdatedImage
metadata:
  name: finance
spec:
  imageName: Finance
  source:
    imageId: wsi-1b2c3d4e5f60
  description: Finance desktop
"""

FAR = "2099-01-01T00:00:00Z"
CREDENTIAL = re.compile(r"Credential=([^,]*)/(\d{8})/([^/,]*)/([^/,]*)/aws4_request")


def word(text):
    """What a key id can hold of a text."""
    return re.sub(r"\W+", "_", text)


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave together, or a client waits 40 ms for the second packet.
    wbufsize = -1
    timeout = 60

    def log_message(self, *args):
        pass

    def answer(self, status=200, body="", kind="application/json"):
        body = body if isinstance(body, (str, bytes)) else json.dumps(body)
        body = body if isinstance(body, bytes) else body.encode()
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def serve(self):
        length = self.headers.get("Content-Length") or "0"
        self.body = self.rfile.read(int(length)).decode("utf-8", "replace")
        self.server.calls.append((self.server.name, f"{self.command} {self.path}"))
        getattr(self, "serve_" + self.server.name.rstrip("0123456789"))()

    do_GET = do_POST = do_PUT = serve

    def do_CONNECT(self):
        self.server.calls.append((self.server.name, f"CONNECT {self.path}"))
        self.server.signed.append({"endpoint": self.path})
        self.close_connection = True
        self.answer(502)

    def signature(self):
        found = CREDENTIAL.search(self.headers.get("Authorization", ""))
        return found.groups() if found else ("unsigned", "", "", "")

    def serve_ws(self):
        key, _, region, service = self.signature()
        self.server.signed.append({
            "key": key, "region": region, "service": service, "endpoint": self.server.name,
            "token": self.headers.get("X-Amz-Security-Token"),
        })
        if "DescribeWorkspaceImages" not in self.headers.get("X-Amz-Target", ""):
            return self.answer(400, {"__type": "UnknownOperationException"})
        self.answer(200, {"Images": []}, "application/x-amz-json-1.1")

    def serve_proxy(self):
        self.server.signed.append({"endpoint": self.path})
        self.answer(502)

    def serve_sts(self):
        asked = {k: v[0] for k, v in urllib.parse.parse_qs(self.body, True).items()}
        action = asked.get("Action", "")
        role = asked.get("RoleArn", "").rpartition("/")[2]
        if action == "AssumeRole":
            caller = self.signature()[0]
        elif action == "AssumeRoleWithWebIdentity":
            caller = "web_" + asked.get("WebIdentityToken", "")
        elif action == "GetCallerIdentity":
            body = "<Account>111122223333</Account><Arn>arn:aws:iam::111122223333:user/x</Arn><UserId>x</UserId>"
            return self.sts_answer(action, body)
        else:
            return self.answer(400, "<ErrorResponse><Error><Code>InvalidAction</Code></Error></ErrorResponse>", "text/xml")
        if len(asked.get("RoleArn", "")) < 20 or len(asked.get("WebIdentityToken", "long")) < 4:
            body = (
                "<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code><Message>too short</Message></Error>"
                "</ErrorResponse>"
            )
            return self.answer(400, body, "text/xml")
        if role.startswith("denied"):
            body = (
                "<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>no</Message></Error>"
                "</ErrorResponse>"
            )
            return self.answer(403, body, "text/xml")
        parts = [f"ASIA_{role}_BY_{caller}"]
        if "ExternalId" in asked:
            parts.append("EXT_" + asked["ExternalId"])
        # A client makes up a name where none is given; only given ones count.
        if asked.get("RoleSessionName", "").startswith("given"):
            parts.append("NAME_" + asked["RoleSessionName"])
        key = word("_".join(parts))
        self.sts_answer(action, (
            f"<Credentials><AccessKeyId>{key}</AccessKeyId><SecretAccessKey>secret</SecretAccessKey>"
            f"<SessionToken>token_{key}</SessionToken><Expiration>{FAR}</Expiration></Credentials>"
            f"<AssumedRoleUser><Arn>arn:aws:sts::111122223333:assumed-role/{escape(role)}/x</Arn>"
            "<AssumedRoleId>AROA:x</AssumedRoleId></AssumedRoleUser>"
        ))

    def sts_answer(self, action, body):
        self.answer(200, (
            f'<{action}Response xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><{action}Result>{body}</{action}Result>'
            f"<ResponseMetadata><RequestId>0</RequestId></ResponseMetadata></{action}Response>"
        ), "text/xml")

    def serve_sso(self):
        url = urllib.parse.urlsplit(self.path)
        if url.path == "/token":
            return self.answer(200, {"accessToken": "renewed", "expiresIn": 3600, "tokenType": "Bearer"})
        asked = {k: v[0] for k, v in urllib.parse.parse_qs(url.query).items()}
        token = self.headers.get("x-amz-sso_bearer_token", "")
        if url.path != "/federation/credentials" or "stale" in token:
            return self.answer(401, {"message": "Session token not found or invalid", "__type": "UnauthorizedException"})
        key = word(f"ASIA_SSO_{asked.get('account_id')}_{asked.get('role_name')}_{token}")
        self.answer(200, {"roleCredentials": {
            "accessKeyId": key, "secretAccessKey": "secret", "sessionToken": f"token_{key}",
            "expiration": 4070908800000,
        }})

    def serve_imds(self):
        path = self.path.replace("//", "/").rstrip("/")
        if path == "/latest/api/token":
            self.send_response(200)
            self.send_header("x-aws-ec2-metadata-token-ttl-seconds", "21600")
            self.send_header("Content-Length", "5")
            self.end_headers()
            self.wfile.write(b"token")
        elif path == "/latest/meta-data/placement/region":
            self.answer(200, "ap-south-1", "text/plain")
        elif path == "/latest/meta-data/placement/availability-zone":
            self.answer(200, "ap-south-1a", "text/plain")
        elif path == "/latest/meta-data/iam/security-credentials":
            self.answer(200, "instance", "text/plain")
        elif path == "/latest/meta-data/iam/security-credentials/instance":
            self.answer(200, {
                "Code": "Success", "Type": "AWS-HMAC", "LastUpdated": "2020-01-01T00:00:00Z",
                "AccessKeyId": "ASIA_INSTANCE", "SecretAccessKey": "secret", "Token": "token_instance",
                "Expiration": FAR,
            })
        else:
            self.answer(404, "", "text/plain")

    def serve_agent(self):
        if "denied" in self.path:
            return self.answer(403, {"code": "AccessDenied", "message": "no"})
        key = word("ASIA_AGENT_" + self.headers.get("Authorization", "none"))
        self.answer(200, {
            "AccessKeyId": key, "SecretAccessKey": "secret", "Token": f"token_{key}", "Expiration": FAR,
        })


class Servers:
    """One set of servers. `signed` holds what each request to WorkSpaces was signed with, `calls` every request."""

    NAMES = ("ws0", "ws1", "ws2", "ws3", "ws4", "ws5", "sts", "sso", "imds", "agent", "proxy")

    def __init__(self):
        self.signed, self.calls, self.urls, self.servers = [], [], {}, []
        for name in self.NAMES:
            server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
            server.daemon_threads = True
            server.block_on_close = False
            # A client that goes away is none of a server's business.
            server.handle_error = lambda request, address: None
            server.name, server.signed, server.calls = name, self.signed, self.calls
            self.urls[name] = f"http://127.0.0.1:{server.server_port}"
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            self.servers.append(server)

    def clear(self):
        self.signed.clear()
        self.calls.clear()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()
