"""What the dashboard asks of GitHub: who signs in, and what that person may do in which repository.

The App's web flow with PKCE, and the repositories that both the person and the App reach:
https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
https://docs.github.com/en/rest/apps/installations#list-repositories-accessible-to-the-user-access-token
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from cryptography.fernet import InvalidToken
from requests import RequestException

from bot.dashboard.access.roles import RepositoryAccess
from bot.dashboard.access.sessions import make_cipher
from bot.errors import HobError
from bot.github_hosts import find_web_url
from bot.settings import SignInSettings
from bot.text.json_fields import BadPayload, Fields, fields

BACK = "/sign-in/back"
SIGN_IN_SECONDS = 600  # for so long a sign-in may be under way
WAIT_SECONDS = 10.0  # for one answer of GitHub's
_DEFAULT_SECONDS = 8 * 3600.0  # where an App's tokens do not expire, GitHub names no time
_PAGE = 100
_MOST_PAGES = 100
_ROLES = (
    ("admin", "admin"),
    ("maintain", "maintain"),
    ("push", "write"),
    ("triage", "triage"),
    ("pull", "read"),
)


class SignInRefused(HobError):
    """Nobody is signed in by this; the message is shown to the person."""


class TokenRefused(HobError):
    """GitHub no longer takes the person's token: they have to sign in again."""


class GitHubAway(HobError):
    """GitHub does not answer, so nobody knows what the person may see."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Who came back from GitHub, with a token for ``seconds``, and where they wanted to go."""

    person: int
    login: str
    token: str
    seconds: float
    target: str


class SignIn:
    """Signing in with one App. It has no state: what belongs to a browser is sealed in its cookie."""

    def __init__(self, settings: SignInSettings) -> None:
        self._settings = settings
        self._cipher = make_cipher(settings.client_secret.get_secret_value(), "sign-in")
        self._web = find_web_url(settings.github_url)

    def begin(self, target: str) -> tuple[str, str]:
        """Where to send the browser, and the sealed text that it has to bring back in a cookie."""
        verifier = secrets.token_urlsafe(48)
        url, state = self._client().create_authorization_url(
            f"{self._web}/login/oauth/authorize", code_verifier=verifier
        )
        sealed = json.dumps({"state": state, "verifier": verifier, "target": target})
        return str(url), self._cipher.encrypt(sealed.encode()).decode()

    def finish(self, sealed: str, *, state: str, code: str) -> SignedIn:
        """Change the code for a token and ask who it is. Raises SignInRefused and GitHubAway."""
        try:
            known = json.loads(self._cipher.decrypt(sealed.encode(), ttl=SIGN_IN_SECONDS))
        except (InvalidToken, ValueError):
            raise SignInRefused("This sign-in was not begun here, or took more than ten minutes.") from None
        if not state or not hmac.compare_digest(state.encode(), str(known["state"]).encode()):
            raise SignInRefused("This answer belongs to another sign-in.")
        try:
            token = self._client().fetch_token(
                f"{self._web}/login/oauth/access_token",
                code=code,
                code_verifier=known["verifier"],
                timeout=WAIT_SECONDS,
            )
        except OAuthError as refused:
            raise SignInRefused(
                f"GitHub refused the sign-in: {refused.description or refused.error}"
            ) from None
        except (RequestException, ValueError):
            raise GitHubAway("GitHub does not answer now.") from None
        secret = str(token.get("access_token") or "")
        answer = self._get(secret, "/user")
        with _reading():
            user = fields(answer)
            return SignedIn(
                person=user.number("id"),
                login=user.text("login"),
                token=secret,
                seconds=float(token.get("expires_in") or _DEFAULT_SECONDS),
                target=known["target"],
            )

    def read_access(self, token: str) -> RepositoryAccess:
        """The person's role in each repository that the App reaches too.

        Raises SignInRefused, TokenRefused and GitHubAway: no answer is neither a yes nor a no.
        """
        roles, slug = dict[int, str](), ""
        with _reading():
            for installation in self._list(token, "/user/installations", "installations"):
                slug = installation.text("app_slug")
                path = f"/user/installations/{installation.number('id')}/repositories"
                for repo in self._list(token, path, "repositories"):
                    roles[repo.number("id")] = _find_role(repo)
        return RepositoryAccess(roles={repo: role for repo, role in roles.items() if role}, slug=slug)

    def comment(self, token: str, *, repo: str, number: int, text: str) -> str:
        """Write a comment on a thread as the person; returns its address.

        Raises SignInRefused with GitHub's reason where they may not, TokenRefused and GitHubAway.
        """
        answer = self._send(token, "POST", f"/repos/{repo}/issues/{number}/comments", {"body": text})
        with _reading():
            return fields(answer).text("html_url")

    def _client(self, token: str = "") -> Any:
        return OAuth2Session(
            client_id=self._settings.client_id,
            client_secret=self._settings.client_secret.get_secret_value(),
            redirect_uri=f"{self._settings.base_url}{BACK}",
            token_endpoint_auth_method="client_secret_post",  # noqa: S106 - the name of a method
            code_challenge_method="S256",
            token={"access_token": token, "token_type": "bearer"} if token else None,
        )

    def _list(self, token: str, path: str, key: str) -> Iterator[Fields]:
        for page in range(1, _MOST_PAGES + 1):
            answer = self._get(token, f"{path}?per_page={_PAGE}&page={page}")
            rows = list(fields(answer).objects(key))
            yield from rows
            if len(rows) < _PAGE:
                return
        raise GitHubAway(f"GitHub lists more than {_MOST_PAGES * _PAGE} {key}.")

    def _get(self, token: str, path: str) -> Any:
        return self._send(token, "GET", path)

    def _send(self, token: str, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
        try:
            answer = self._client(token).request(
                method,
                f"{self._settings.github_url}{path}",
                json=body,
                headers=headers,
                timeout=WAIT_SECONDS,
                allow_redirects=method == "GET",
            )
            said = answer.json()
        except (RequestException, OAuthError, ValueError):
            raise GitHubAway("GitHub does not answer now.") from None
        if answer.status_code == 401:
            raise TokenRefused("GitHub no longer takes this sign-in.")
        if answer.status_code >= 500 or answer.status_code == 429:
            raise GitHubAway("GitHub does not answer now.")
        if answer.status_code >= 300:
            with _reading():
                why = fields(said).text("message", "")
            raise SignInRefused(f"GitHub refused it: {why or answer.status_code}")
        return said


def _find_role(repo: Fields) -> str:
    """The highest role that GitHub's flags say, '' for none."""
    flags = repo.maybe("permissions")
    return next((role for flag, role in _ROLES if flags and flags.flag(flag)), "")


@contextmanager
def _reading() -> Iterator[None]:
    """Turn an answer that is not what GitHub documents into GitHubAway: nobody may be let in by it."""
    try:
        yield
    except BadPayload as wrong:
        raise GitHubAway(f"GitHub's answer cannot be read: {wrong}") from None
