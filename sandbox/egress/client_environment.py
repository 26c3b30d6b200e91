"""The environment variables by which package managers and HTTP clients inside find the gate."""

from __future__ import annotations

PORT = 3128
CA_FILE = "/etc/egress/ca.pem"

_URL = f"http://127.0.0.1:{PORT}"
_LOCAL = "localhost,127.0.0.1,::1"
_JAVA = " ".join(
    f"-D{scheme}.proxyHost=127.0.0.1 -D{scheme}.proxyPort={PORT} -D{scheme}.nonProxyHosts=localhost|127.0.0.1"
    for scheme in ("http", "https")
)

ENVIRONMENT: tuple[tuple[str, str], ...] = (
    *((name, _URL) for name in ("http_proxy", "https_proxy", "all_proxy")),
    *((name, _URL) for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")),
    *((name, _LOCAL) for name in ("no_proxy", "NO_PROXY")),
    # OpenSSL, Go, curl, requests, pip, Node, npm, Cargo, git
    *((name, CA_FILE) for name in ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE", "PIP_CERT")),
    *((name, CA_FILE) for name in ("NODE_EXTRA_CA_CERTS", "npm_config_cafile", "CARGO_HTTP_CAINFO")),
    ("GIT_SSL_CAINFO", CA_FILE),
    ("NODE_USE_ENV_PROXY", "1"),
    ("npm_config_proxy", _URL),
    ("npm_config_https_proxy", _URL),
    ("npm_config_audit", "false"),  # a POST for nothing
    ("npm_config_fund", "false"),
    ("npm_config_update_notifier", "false"),
    ("CARGO_HTTP_PROXY", _URL),
    ("CARGO_HTTP_MULTIPLEXING", "false"),
    ("PIP_DISABLE_PIP_VERSION_CHECK", "1"),
    ("PIP_NO_INPUT", "1"),
    ("MAVEN_OPTS", _JAVA),
    ("GRADLE_OPTS", _JAVA),
)
