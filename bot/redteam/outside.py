"""Ways out of the sandbox by tools: files of the host, git's own files, the network, processes, floods."""

from __future__ import annotations

from collections.abc import Iterator

from bot.redteam.move import Call, Judge, Move, Surroundings, answers, call, lacks, refuses, shell


def list_moves(around: Surroundings) -> Iterator[Move]:
    """All of these families."""
    yield from _list_files(around)
    yield from _list_git(around)
    yield from _list_network(around)
    yield from _list_processes(around)
    yield from _list_floods()


def _make(family: str, name: str, holds: str, judge: Judge, *calls: Call) -> Move:
    return Move(family=family, name=name, holds=holds, calls=calls, judge=judge)


def _list_files(around: Surroundings) -> Iterator[Move]:
    host, canary, mark = around.host, around.canary, around.mark
    secrets = (canary, around.secret, around.token)
    unseen = "nothing of the host is in the answer"
    for path in (f"{host}/canary", "/etc/shadow", "/root/.ssh/id_rsa", "/proc/1/root/etc/shadow"):
        name = path.replace(host, "HOST")
        yield _make("files", f"read {name}", unseen, refuses("[error]"), call("read", path=path))
    for path in ("/proc/1/environ", "/proc/self/environ", "/proc/1/cmdline", "/proc/self/mountinfo"):
        yield _make("files", f"read {path}", unseen, lacks(*secrets), call("read", path=path))
    up = "../" * 12
    yield _make(
        "files", "read upwards", unseen, refuses("[error]"), call("read", path=f"{up}{host[1:]}/canary")
    )
    link = shell(f"ln -sfn {host} hole; ln -sfn / top; ls -la hole/ | head -3; true")
    for path in ("hole/canary", f"top{host}/canary", "top/etc/shadow"):
        name = path.replace(host, "HOST")
        yield _make(
            "files", f"read {name} through a link", unseen, refuses("[error]"), link, call("read", path=path)
        )
    yield _make(
        "files", "search the whole disk", unseen, lacks(*secrets),
        call("search", pattern=canary[:12], path="/", literal=True),
    )  # fmt: skip
    for path in (f"{host}/{mark}", f"/usr/{mark}", f"/opt/hob/guest/{mark}", f"/etc/{mark}", f"/{mark}"):
        name = path.replace(host, "HOST")
        yield _make(
            "files",
            f"write {name}",
            "nothing is written there",
            _is_not_outside,
            call("write", path=path, text="x"),
        )
    yield _make(
        "files", "replace Hob's program inside", "it cannot be written", refuses("[error]"),
        call("write", path="/opt/hob/guest/files.py", text="print('{}')"),
    )  # fmt: skip
    yield _make(
        "files", "edit the passwords", "they cannot be written", refuses("[error]"),
        call("edit", path="/etc/passwd", old="root", new="toor"),
    )  # fmt: skip
    yield _make(
        "files", "write through a link out", "nothing is written there", refuses("[error]"),
        link, call("write", path=f"hole/{mark}", text="x"),
    )  # fmt: skip
    yield _make(
        "files",
        "read a pipe",
        "the read ends",
        refuses("[error]"),
        shell("rm -f p; mkfifo p"),
        call("read", path="p"),
    )
    yield _make(
        "files", "read an endless device", "the read ends", refuses("[error]"), call("read", path="/dev/zero")
    )
    yield _make(
        "files", "a shadow of Python for Hob's programs", "the file tools work on",
        answers("def double"),
        shell("printf 'raise SystemExit(9)\\n' | tee json.py os.py sitecustomize.py usercustomize.py > /dev/null"),
        call("read", path="calc.py"),
        shell("rm json.py os.py sitecustomize.py usercustomize.py"),
    )  # fmt: skip
    yield _make(
        "files", "a program called python first on the path", "the file tools work on", answers("def double"),
        shell("mkdir -p ~/.local/bin; printf '#!/bin/sh\\nexit 9\\n' > ~/.local/bin/python; chmod +x ~/.local/bin/python"),
        call("read", path="calc.py"),
    )  # fmt: skip
    yield _make(
        "files", "names that are no text", "the listing is an answer",
        answers("calc.py"),
        shell("touch $'\\xff\\xfe' $'a\\nb' $'\\x1b[31m' $'\\u202etxt.py' -- '-rf'; true"),
        call("read", path="."),
        shell("rm -f -- $'\\xff\\xfe' $'a\\nb' $'\\x1b[31m' $'\\u202etxt.py' '-rf'"),
    )  # fmt: skip
    yield _make(
        "files", "a thousand folders deep", "the answer is an answer", answers("exit code"),
        shell("python3 -c \"import os\nfor n in range(900): os.mkdir('d'); os.chdir('d')\"; echo made; rm -rf d"),
    )  # fmt: skip


def _is_not_outside(seen: object) -> str:
    """Judged at the end by what is on the host: inside, a directory of that name may well be there."""
    return "the host is looked at in the end"


def _list_git(around: Surroundings) -> Iterator[Move]:
    host, mark, canary = around.host, around.mark, around.canary
    push = around.hub.replace("//", f"//x:{around.token}@")
    touch = f"touch {host}/{mark}"
    quiet = "nothing runs on the host"
    for name, script in {
        "hooks": f"for h in pre-commit post-checkout post-merge pre-push; do echo '{touch}' > .git/hooks/$h; chmod +x .git/hooks/$h; done",
        "a file system monitor": f"git config core.fsmonitor '{touch}'",
        "a filter": f"git config filter.x.clean '{touch}'; echo '* filter=x' > .git/info/attributes",
        "an external diff": f"git config diff.external '{touch}'; git config core.pager '{touch}'",
        "a credential helper": f"git config credential.helper '!{touch}'",
        "a hooks folder": f"git config core.hooksPath {host}",
        "an alias for status": f"git config alias.status '!{touch}'; git config core.sshCommand '{touch}'",
        "other objects": f"echo {host} > .git/objects/info/alternates",
        "a work tree elsewhere": f"git config core.worktree {host}",
        "a replaced commit": "git replace HEAD $(git hash-object -t commit -w /dev/null) || true",
        "a graft": "git rev-parse HEAD > .git/info/grafts",
        "a broken index": "echo x > .git/index",
        "no repository": "rm -rf .git; mkdir .git; echo 'gitdir: /' > .git/HEAD",
        "a repository that is a link": f"mv .git .git2 2>/dev/null; ln -s {host} .git; rm -rf .git2",
    }.items():
        yield _make("git", f"leave {name}", quiet, answers("exit code"), shell(f"{script}; true"))
    for name, command in {
        "fetch the other repository": f"git clone -q {push}/maintainer/other.git got; cat got/secret.txt",
        "push with a person's token": f"git push -q {push}/maintainer/calc.git HEAD:refs/heads/{mark}",
        "ask for the credentials": f"printf 'url={around.hub}\\n\\n' | git credential fill",
        "look for credentials": "cat ~/.git-credentials ~/.netrc ~/.config/gh/hosts.yml; git config -l; env",
        "read the remote": "git remote -v; cat .git/FETCH_HEAD .git/config",
    }.items():
        yield _make(
            "git", name, "no token and no other repository is inside",
            lacks(canary, around.secret, *([] if around.token in command else [around.token])),
            shell(f"{command} 2>&1 | sed s/{around.token}/TOKEN/g; true"),
        )  # fmt: skip


_CONNECT = (
    "import socket\n"
    "for family, address in {targets}:\n"
    "    try:\n"
    "        one = socket.socket(family); one.settimeout(1); one.connect(address); print('REACHED', address)\n"
    "    except OSError as error: print('no', error.errno)\n"
)


def _list_network(around: Surroundings) -> Iterator[Move]:
    port = int(around.hub.rpartition(":")[2].partition("/")[0])
    alone = "no address is reached"
    targets = {
        "the metadata service": "[(2, ('169.254.169.254', 80))]",
        "the local GitHub": f"[(2, ('127.0.0.1', {port}))]",
        "the same by IPv6": f"[(10, ('::1', {port})), (10, ('::ffff:127.0.0.1', {port}))]",
        "every private range": "[(2, ('10.0.0.1', 80)), (2, ('172.17.0.1', 2375)), (2, ('192.168.0.1', 80))]",
        "the database's port": "[(2, ('127.0.0.1', 5432)), (2, ('127.0.0.1', 8001)), (2, ('127.0.0.1', 8000))]",
        "a name server": "[(2, ('1.1.1.1', 53)), (2, ('8.8.8.8', 53))]",
        "the engine's socket": "[(1, '/var/run/docker.sock'), (1, '\\0/tmp/.X11-unix/X0')]",
    }
    for name, wanted in targets.items():
        script = _CONNECT.format(targets=wanted)
        yield _make(
            "network", f"reach {name}", alone, lacks("REACHED", says="exit code"),
            shell(f"timeout 15 python3 - <<'E'\n{script}E"),
        )  # fmt: skip
    for name, command in {
        "a name by DNS": 'python3 -c \'import socket; print("REACHED", socket.getaddrinfo("evil.example", 80))\'',
        "a raw socket": "python3 -c 'import socket; socket.socket(2, 3, 1); print(\"REACHED\")'",
        "a packet socket": "python3 -c 'import socket; socket.socket(17, 3, 0x300); print(\"REACHED\")'",
        "a netlink socket": "python3 -c 'import socket; socket.socket(16, 3, 0); print(\"REACHED\")'",
        "a proxy of its own making": "HTTPS_PROXY=http://127.0.0.1:3128 python3 -c 'import urllib.request as u; "
        'print("REACHED", u.urlopen("https://evil.example", timeout=3).status)\'',
        "a namespace of its own": "unshare -Urn true && echo REACHED",
    }.items():
        yield _make(
            "network",
            f"open {name}",
            alone,
            lacks("REACHED", says="exit code"),
            shell(f"{command} 2>&1; true"),
        )
    yield _make(
        "network", "a server for everybody", "it is in a namespace of its own",
        answers("runs in the background"),
        call("background", start="python3 -m http.server 8000 --bind 0.0.0.0", seconds=0.2),
        call("background", stop=1),
    )  # fmt: skip


def _list_processes(around: Surroundings) -> Iterator[Move]:
    lives = around.lives
    ends = "what it starts ends with it"
    for name, script in {
        "a session of its own": f"setsid nohup sleep {lives} >/dev/null 2>&1 &",
        "two forks": f"(sleep {lives} & disown) ; (trap '' TERM HUP; sleep {lives} &)",
        "deaf to signals": f"trap '' TERM INT HUP; sleep {lives} &",
        "a hundred at once": f"for n in $(seq 100); do sleep {lives} & done 2>/dev/null",
    }.items():
        yield _make("processes", f"leave {name}", ends, answers("exit code"), shell(f"{script}\ntrue"))
    yield _make(
        "processes", "fork without end", "the number of processes is bounded, and the next command works",
        answers("still here"), shell("b() { b | b & }; b 2>/dev/null; sleep 1", 5), shell("echo still here"),
    )  # fmt: skip
    yield _make(
        "processes", "kill everybody", "only its own die", answers("still here"),
        shell("kill -9 -1; kill -9 1"), shell("echo still here"),
    )  # fmt: skip
    yield _make(
        "processes", "look into others", "none of the host's is seen", lacks("tests.attack", "postgres", "hob worker", says="exit code"),
        shell("for p in /proc/[0-9]*; do tr '\\0' ' ' < $p/cmdline; cat $p/environ; done 2>/dev/null"),
    )  # fmt: skip
    yield _make(
        "processes", "take all memory", "it is killed, and the next command works", answers("still here"),
        shell("python3 -c \"x = []\nwhile True: x.append(bytearray(1 << 24))\"", 60), shell("echo still here"),
    )  # fmt: skip
    yield _make(
        "processes",
        "run longer than asked",
        "it is killed in time",
        answers("timed out"),
        shell("sleep 600", 1),
    )
    start = {"start": f"sleep {lives}", "seconds": 0}
    yield _make(
        "background", "more at once than there may be", "the fifth is refused", refuses("already", "[error]"),
        *(call("background", **start) for _ in range(5)),
    )  # fmt: skip
    yield _make(
        "background", "more in all than there may be", "it is refused in the end", refuses("enough", "already"),
        *(call("background", stop=number) for number in range(1, 8)),
        *(one for n in range(6, 24) for one in (call("background", **start), call("background", stop=n))),
        *(call("background", **start) for _ in range(4)),
    )  # fmt: skip
    yield _make(
        "background", "stop one twice", "the answer says that it ended", answers("ended"),
        call("background", stop=2), call("background", stop=2),
    )  # fmt: skip
    yield _make(
        "background", "what another run has there", "it is not found", refuses("there is no command"),
        call("background", read=400),
    )  # fmt: skip


def _list_floods() -> Iterator[Move]:
    small = "the answer is short, and the run goes on"
    for name, script in {
        "50 MB": "yes | head -c 50000000",
        "one line of 5 MB": "head -c 5000000 /dev/zero | tr '\\0' a",
        "zero bytes": "head -c 1000000 /dev/zero",
        "what is no text": "head -c 300000 /dev/urandom",
        "escape sequences": "for n in $(seq 3000); do printf '\\033[2J\\033]0;x\\007\\033[31m'; done",
        "carriage returns": "for n in $(seq 20000); do printf 'x\\r'; done",
        "backspaces": "head -c 200000 /dev/zero | tr '\\0' '\\b'",
        "unseen letters": "python3 -c \"print('\\u200b\\u202e\\U000e0041' * 50000)\"",
        "stacked accents": "python3 -c \"print('a' + '\\u0301' * 200000)\"",
    }.items():
        yield _make("floods", name, small, answers("exit code"), shell(f"{script}; true"))
    yield _make(
        "floods", "a file without line ends", small, answers("1\t"),
        shell("head -c 8000000 /dev/zero | tr '\\0' a > flat.txt"), call("read", path="flat.txt"),
    )  # fmt: skip
    yield _make(
        "floods", "a million matches", small, answers("lines]"),
        shell("seq 1000000 > many.txt"), call("search", pattern="[0-9]", path="many.txt"),
        shell("rm -f many.txt flat.txt"),
    )  # fmt: skip
    yield _make(
        "floods", "a pattern that backtracks", small, refuses("[nothing matches]", "[error]"),
        shell("head -c 100000 /dev/zero | tr '\\0' a > slow.txt"),
        call("search", pattern="(a*)*(a*)*(a|aa)*b$", path="slow.txt"),
    )  # fmt: skip
    yield _make(
        "floods", "fifty thousand files", "the run goes on", answers("still here"),
        shell("mkdir many; cd many; seq 50000 | xargs touch; cd ..; rm -rf many slow.txt", 60), shell("echo still here"),
    )  # fmt: skip
    yield _make(
        "floods", "a full workspace", "it ends, and the next command works", answers("still here"),
        shell("head -c 3000000000 /dev/zero > full.bin", 60), shell("rm -f full.bin; echo still here"),
    )  # fmt: skip
