"""Which hosts the rules name, and the registries that the word ``packages`` stands for."""

from __future__ import annotations

import re

from sandbox.egress.addresses import PolicyRefusal, canonical_host
from sandbox.spec import Egress, Rule

READ = ("GET", "HEAD")

# Where package managers read, by ecosystem. Names below which anybody could publish a page are not in it, and
# all is GET and HEAD: what is public can be read, nothing can be uploaded.
REGISTRIES: dict[str, tuple[str, ...]] = {
    "Python": ("pypi.org", "files.pythonhosted.org", "pypi.python.org"),
    "Node": ("registry.npmjs.org", "registry.yarnpkg.com", "repo.yarnpkg.com", "nodejs.org"),
    "Rust": ("index.crates.io", "static.crates.io", "crates.io", "static.rust-lang.org"),
    "Go": ("proxy.golang.org", "sum.golang.org"),
    "Java": ("repo.maven.apache.org", "repo1.maven.org", "plugins.gradle.org", "services.gradle.org"),
    "Ruby": ("rubygems.org", "index.rubygems.org"),
    "PHP": ("packagist.org", "repo.packagist.org"),
    ".NET": ("api.nuget.org", "www.nuget.org"),
    "Elixir": ("hex.pm", "repo.hex.pm", "builds.hex.pm"),
    "Dart": ("pub.dev",),
    "Haskell": ("hackage.haskell.org",),
    "Perl": ("cpan.metacpan.org", "www.cpan.org"),
    "R": ("cran.r-project.org", "cloud.r-project.org"),
    "Conda": ("conda.anaconda.org", "repo.anaconda.com"),
    "Debian": ("deb.debian.org", "security.debian.org"),
    "Ubuntu": ("archive.ubuntu.com", "security.ubuntu.com"),
}
PACKAGES = tuple(Rule(host=host, methods=READ) for hosts in REGISTRIES.values() for host in hosts)

_RULE_TEXT = re.compile(
    r"(?:(?P<methods>[A-Z]+(?:,[A-Z]+)*) )?(?P<wild>\*\.)?(?P<host>[^:*\s]+)(?::(?P<port>\d{1,5}))?"
)


def parse_rule(text: str) -> Rule:
    """Read a rule as text: ``[METHOD,METHOD ]host[:port]``; ``*.`` before the host is for all below it.

    Raises ValueError that says what is wrong.
    """
    found = _RULE_TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is not a host such as example.com, *.example.com or example.com:8443")
    try:
        host = canonical_host(found["host"])
    except PolicyRefusal as refusal:
        raise ValueError(f"{text!r}: {refusal.reason}") from None
    port = int(found["port"] or 443)
    if not 0 < port < 1 << 16:
        raise ValueError(f"{text!r}: there is no port {port}")
    return Rule(
        host=("*." if found["wild"] else "") + host,
        ports=(port,) if found["port"] else (443, 80),
        methods=tuple(found["methods"].split(",")) if found["methods"] else (),
    )


def allowed_methods(egress: Egress, host: str, port: int) -> frozenset[str]:
    """The methods allowed for a canonical host and port, empty meaning any. Raises PolicyRefusal for none."""
    matching = [rule for rule in egress.rules if _matches_host(rule, host)]
    if not matching:
        plain = port in (80, 443)
        raise PolicyRefusal("not on the list of hosts", host if plain else f"{host}:{port}")
    rules = [rule for rule in matching if port in rule.ports]
    if not rules:
        raise PolicyRefusal(f"port {port} is not on the list for this host", f"{host}:{port}")
    if not all(rule.methods for rule in rules):
        return frozenset()
    return frozenset(method for rule in rules for method in rule.methods)


def _matches_host(rule: Rule, host: str) -> bool:
    return host.endswith(rule.host[1:]) if rule.host.startswith("*.") else host == rule.host
