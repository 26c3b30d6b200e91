"""Sending a notice as an e-mail, over TLS where the server has it."""

from __future__ import annotations

import re
from email.message import EmailMessage
from urllib.parse import unquote, urlsplit

import aiosmtplib

from bot.notify.webhook import SECONDS, NoticeRefused
from bot.settings import NotifySettings
from bot.tasks.notices.records import DueNotice

_LINK = re.compile(r"<([^<>|]*)\|([^<>]*)>")


async def mail_notice(notice: DueNotice, settings: NotifySettings) -> None:
    """Send it by the operator's server. Raises NoticeRefused.

    The Message-ID is the notice's, so that a mailbox which gets one twice shows it once.
    """
    if settings.smtp is None or not settings.mail_from:
        raise NoticeRefused("HOB_SMTP_URL and HOB_NOTIFY_FROM are not set", for_good=True)
    server = urlsplit(settings.smtp.get_secret_value())
    message = make_message(notice, settings.mail_from)
    try:
        await aiosmtplib.send(
            message,
            hostname=server.hostname,
            port=server.port,
            username=unquote(server.username) if server.username else None,
            password=unquote(server.password) if server.password else None,
            use_tls=server.scheme == "smtps",
            start_tls=True
            if server.scheme == "smtp+starttls"
            else False
            if server.scheme == "smtp"
            else None,
            timeout=SECONDS,
        )
    except aiosmtplib.SMTPResponseException as refused:
        raise NoticeRefused(f"SMTP {refused.code}", for_good=500 <= refused.code < 600) from None
    except (aiosmtplib.SMTPException, OSError, TimeoutError) as trouble:
        raise NoticeRefused(f"{type(trouble).__name__} on the way") from None


def make_message(notice: DueNotice, sender: str) -> EmailMessage:
    """The e-mail: one line of text as its subject, plain text as its body."""
    facts = notice.body["metadata"]["event_payload"]
    text = _LINK.sub(r"\2 (\1)", str(notice.body["text"]))
    for escaped, plain in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        text = text.replace(escaped, plain)
    message = EmailMessage()
    message["From"], message["To"] = sender, notice.address
    message["Subject"] = f"Hob: {facts['repository']}#{facts['thread']}: {facts['event']}"
    message["Message-ID"] = f"<hob-notice-{notice.id}@{sender.rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(text)
    return message
