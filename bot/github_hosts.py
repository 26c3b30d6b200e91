"""Where a GitHub has its pages and what it appends to accounts, from the root of its API.

| GitHub | API | pages |
|---|---|---|
| github.com | ``https://api.github.com`` | ``https://github.com`` |
| with data residency | ``https://api.NAME.ghe.com`` | ``https://NAME.ghe.com`` |
| Enterprise Server | ``https://HOST/api/v3`` | ``https://HOST`` |
| localhub | ``http://127.0.0.1:PORT/api`` | ``http://127.0.0.1:PORT`` |

https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency/network-details-for-ghecom
https://docs.github.com/en/enterprise-server@latest/rest/using-the-rest-api/getting-started-with-the-rest-api
"""

from __future__ import annotations

from urllib.parse import urlsplit

PUBLIC_API = "https://api.github.com"
RESIDENT = ".ghe.com"


def find_web_url(api_url: str) -> str:
    """The root of the pages that belong to an API root."""
    parts = urlsplit(api_url.rstrip("/"))
    host = parts.hostname or ""
    if not parts.path and (host == "api.github.com" or (host.startswith("api.") and host.endswith(RESIDENT))):
        return f"{parts.scheme}://{parts.netloc.lower().removeprefix('api.')}"
    return f"{parts.scheme}://{parts.netloc.lower()}{parts.path.removesuffix('/v3').removesuffix('/api')}"


def find_email_domain(api_url: str) -> str:
    """What follows ``ID+LOGIN@`` in the address by which this GitHub attributes a commit to an account.

    On github.com and an Enterprise Server that is documented; with data residency it is taken to be alike.
    """
    return f"users.noreply.{urlsplit(find_web_url(api_url)).hostname or 'localhost'}"


def explain_wrong_root(url: str) -> str:
    """What is wrong with a URL that is to be the root of an API; '' for nothing.

    The pages' address is the mistake that is made: every request to it would be answered by a page.
    """
    parts = urlsplit(url)
    host, path = parts.hostname or "", parts.path.rstrip("/")
    if host in ("localhost", "127.0.0.1", "::1"):
        return ""
    if host in ("github.com", "www.github.com"):
        return f"is the address of the pages; the API's is {PUBLIC_API}"
    if host.endswith(RESIDENT) and not host.startswith("api."):
        return f"is the address of the pages; the API's is https://api.{host}"
    if (host == "api.github.com" or host.endswith(RESIDENT)) and path:
        return f"is below the API's root, which is {parts.scheme}://{host}"
    if host != "api.github.com" and not host.endswith(RESIDENT) and path != "/api/v3":
        return f"is no API's root: an Enterprise Server's is https://{host}/api/v3"
    return ""
