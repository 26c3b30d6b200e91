"""What is known of a tree before anything runs, and what is shown of a Python project without a setup."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.domain import ChangeKind, ChangeSet, FileChange, Proof, Verdict
from bot.errors import UserError
from bot.run.prove.prove import prove
from bot.text.redact import Redactor
from bot.workspace.checkout import Checkout
from bot.workspace.workshop import Workshop
from sandbox.toolchain import Toolchain
from tests.support.git import commit, git
from tests.support.sandbox import lend_toolchain

POINTER = f"version https://git-lfs.github.com/spec/v1\noid sha256:{7:064d}\nsize 12345\n"
PIN = "1234567890123456789012345678901234567890"
Files = dict[str, str | bytes | None]


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory, tooling: Toolchain) -> Workshop:
    home = tmp_path_factory.mktemp("home")
    lend_toolchain(tooling, home)
    return Workshop(home)


async def check_out(workshop: Workshop, root: Path) -> Checkout:
    number, sha = await workshop.mirror.adopt(root)
    return await workshop.checkout(number, sha, Redactor())


async def prove_change(workshop: Workshop, root: Path, path: str, text: str) -> Proof:
    checkout = await check_out(workshop, root)
    change = FileChange(path=path, kind=ChangeKind.MODIFIED, mode=0o100644, data=text.encode())
    return await prove(checkout, ChangeSet(base=checkout.base, files=(change,)), Redactor())


@pytest.mark.parametrize(
    ("files", "gone"),
    [
        (
            {".gitattributes": "*.csv filter=lfs diff=lfs -text\n", "data/a.csv": POINTER, "b.csv": "n\n1\n"},
            ("data/a.csv",),
        ),
        (
            {"models/.gitattributes": "* filter=lfs\n", "models/x.bin": POINTER, "models/y z.bin": POINTER},
            ("models/x.bin", "models/y z.bin"),
        ),
        ({"notes.txt": POINTER}, ()),
    ],
)
async def test_lfs_pointers(workshop: Workshop, tmp_path: Path, files: Files, gone: tuple[str, ...]) -> None:
    commit(tmp_path / "r", files)
    assert (await check_out(workshop, tmp_path / "r")).facts.lfs_files == gone


@pytest.mark.parametrize("path", ["vendor", "third_party/lib x"])
async def test_submodules(workshop: Workshop, tmp_path: Path, path: str) -> None:
    modules = f'[submodule "a"]\n\tpath = {path}\n\turl = https://github.com/octo/lib.git\n'
    root = tmp_path / "r"
    commit(root, {".gitmodules": modules, "a.py": ""})
    git(root, "update-index", "--add", "--cacheinfo", f"160000,{PIN},{path}")
    git(root, "commit", "--quiet", "-m", "Add it")
    checkout = await check_out(workshop, root)
    assert checkout.facts.submodules == (path,)
    assert checkout.facts.gaps == (f"`{path}` is a submodule that is not in the sandbox",)


@pytest.mark.parametrize("place", ["r", "worktree", "bare.git"])
async def test_sha256_is_refused_in_a_sentence(workshop: Workshop, tmp_path: Path, place: str) -> None:
    git(tmp_path, "init", "--quiet", "--object-format=sha256", "r")
    (tmp_path / "r" / "a.py").write_text("")
    git(tmp_path / "r", "add", "a.py")
    git(tmp_path / "r", "commit", "--quiet", "-m", "Begin")
    git(tmp_path / "r", "worktree", "add", "--quiet", str(tmp_path / "worktree"))
    git(tmp_path, "clone", "--quiet", "--bare", "r", "bare.git")
    with pytest.raises(UserError, match=r"is a SHA-256 repository, which is not supported"):
        await check_out(workshop, tmp_path / place)


@pytest.mark.parametrize(
    ("path", "text", "said"),
    [
        (
            ".github/workflows/copilot-setup-steps.yml",
            "jobs:\n  copilot-setup-steps:\n    steps:\n    - uses: actions/checkout@v4\n    - run: |\n"
            "        npm ci\n        make gen",
            "`.github/workflows/copilot-setup-steps.yml` prepares with `npm ci && make gen`",
        ),
        (
            ".devcontainer/devcontainer.json",
            '{"postCreateCommand": "pip install -e .", /* x */}',
            "`.devcontainer/devcontainer.json` prepares with `pip install -e .`",
        ),
        (
            ".cursor/environment.json",
            '{"install": "pnpm i"}',
            "`.cursor/environment.json` prepares with `pnpm i`",
        ),
        (".tool-versions", "nodejs 20\npython 3.9\n", "`.tool-versions` asks for `nodejs 20, python 3.9`"),
        (".nvmrc", "`20`\n", "`.nvmrc` asks for `'20'`"),
    ],
)
async def test_what_the_repository_says(
    workshop: Workshop, tmp_path: Path, path: str, text: str, said: str
) -> None:
    commit(tmp_path / "r", {path: text})
    assert (await check_out(workshop, tmp_path / "r")).facts.sayings == (said,)


@pytest.mark.parametrize(
    ("files", "setup"),
    [
        ({"setup.py": "setup(name='x')"}, "pip install pytest -e ."),
        (
            {"pyproject.toml": '[project]\nname="x"\n[project.optional-dependencies]\ntests=[]\n'},
            "-e '.[tests]'",
        ),
        ({"requirements-dev.txt": "", "requirements.txt": ""}, "-r requirements-dev.txt -r requirements.txt"),
        ({"README": ""}, ""),
    ],
)
async def test_a_setup_is_suggested(workshop: Workshop, tmp_path: Path, files: Files, setup: str) -> None:
    commit(tmp_path / "r", files)
    suggested = (await check_out(workshop, tmp_path / "r")).facts.python_setup
    assert suggested.endswith(setup) and bool(suggested) is bool(setup)


BUILD = '[build-system]\nrequires=["setuptools"]\n[project]\nname="calc-kit"\nversion="3.1"\n'
ADD = "def add(a, b):\n    return a {} b\n"
SHOWN: dict[str, tuple[Files, str, str]] = {
    "its version": (
        {
            "pyproject.toml": BUILD,
            "src/kit/__init__.py": "from importlib.metadata import version\n"
            "__version__ = version('calc_kit')\n",
            "src/kit/add.py": ADD.format("-"),
            "tests/test_a.py": "import kit\nfrom kit.add import add\n"
            "def test_a(): assert (add(1, 2), kit.__version__) == (3, '3.1')\n",
        },
        "src/kit/add.py",
        ADD.format("+"),
    ),
    "its scripts and plugins": (
        {
            "setup.cfg": "[metadata]\nname=plug\nversion=1\n"
            "[options.entry_points]\nconsole_scripts =\n    plug-it = plug:main\n"
            "pytest11 =\n    plug = plug\n",
            "plug.py": "import pytest\n@pytest.fixture\ndef three(): return 4\ndef main(): print('ran')\n",
            "test_p.py": "import subprocess\ndef test_p(three):\n"
            "    assert three == 3\n    assert subprocess.check_output(['plug-it'], env=None) == b'ran\\n'\n",
        },
        "plug.py",
        "import pytest\n@pytest.fixture\ndef three(): return 3\ndef main(): print('ran')\n",
    ),
    "a lib folder": (
        {
            "pyproject.toml": BUILD + '[tool.setuptools.packages.find]\nwhere=["lib"]\n',
            "lib/kit/__init__.py": "",
            "lib/kit/core.py": ADD.format("-"),
            "tests/test_a.py": "from kit.core import add\ndef test_a(): assert add(1, 2) == 3\n",
        },
        "lib/kit/core.py",
        ADD.format("+"),
    ),
    "a package under another name": (
        {
            "setup.py": "from setuptools import setup\n"
            "setup(name='kit', package_dir={'kit': 'source'}, packages=['kit'])\n",
            "source/__init__.py": ADD.format("-"),
            "tests/test_a.py": "from kit import add\ndef test_a(): assert add(1, 2) == 3\n",
        },
        "source/__init__.py",
        ADD.format("+"),
    ),
    "tests in the package of tests itself": (
        {
            "calc.py": ADD.format("-"),
            "tests/__init__.py": "import unittest\nfrom calc import add\nclass T(unittest.TestCase):\n"
            "    def test_add(self): self.assertEqual(add(1, 2), 3)\n",
        },
        "calc.py",
        ADD.format("+"),
    ),
    "a name that pytest does not look for": (
        {
            "calc.py": ADD.format("-"),
            "tests.py": "import unittest\nfrom calc import add\nclass T(unittest.TestCase):\n"
            "    def test_add(self): self.assertEqual(add(1, 2), 3)\n",
        },
        "calc.py",
        ADD.format("+"),
    ),
}


@pytest.mark.parametrize(("files", "path", "right"), list(SHOWN.values()), ids=list(SHOWN))
async def test_a_project_is_shown_without_being_installed(
    workshop: Workshop, tmp_path: Path, files: Files, path: str, right: str
) -> None:
    commit(tmp_path / "r", files)
    proof = await prove_change(workshop, tmp_path / "r", path, right)
    (check,) = proof.checks
    assert check.base.verdict is Verdict.FAILED, check.base.tail
    assert check.head.verdict is Verdict.PASSED, check.head.tail


async def test_a_check_that_cannot_run_keeps_the_proof_from_passing(
    workshop: Workshop, tmp_path: Path
) -> None:
    """A stray Python test beside another ecosystem's: both are run, and what is missing is named."""
    files: Files = {
        "Makefile": "check:\n\tno-such-compiler x.c\n",
        "tools/test_x.py": "def test_x(): pass\n",
        "x.c": "",
    }
    commit(tmp_path / "r", files)
    proof = await prove_change(workshop, tmp_path / "r", "x.c", "int x;\n")
    assert [check.name for check in proof.checks] == ["make check", "pytest"]
    assert not proof.passed
    assert any("`make check`: no-such-compiler is not in the sandbox" in item for item in proof.not_run)


@pytest.mark.parametrize(
    ("files", "suggested"),
    [
        ({"package.json": "{}", "bun.lock": "", "yarn.lock": ""}, "npx bun install --frozen-lockfile"),
        ({"package.json": "{}", "yarn.lock": ""}, "npx yarn install --frozen-lockfile"),
        (
            {"package.json": "{}", "yarn.lock": "", ".yarnrc.yml": "nodeLinker: pnp\n"},
            "npx corepack yarn install --immutable",
        ),
    ],
)
async def test_how_packages_of_node_are_installed(
    workshop: Workshop, tmp_path: Path, files: dict[str, str], suggested: str
) -> None:
    commit(tmp_path / "r", dict(files))
    assert (await check_out(workshop, tmp_path / "r")).facts.node_setup == suggested


@pytest.mark.parametrize(
    ("manifest", "installs"),
    [
        ('[build-system]\nrequires = ["setuptools"]\n', False),
        ('[build-system]\nrequires = []\n[tool.poetry]\nname = "calc"\n', True),
        ('[project]\nname = "calc"\nversion = "1"\n', True),
    ],
)
async def test_only_a_project_is_installed(
    workshop: Workshop, tmp_path: Path, manifest: str, installs: bool
) -> None:
    """The root of a repository of several packages may have settings alone, which pip cannot install."""
    commit(
        tmp_path / "r", {"pyproject.toml": manifest, "requirements.txt": "idna\n", "a/setup.py": "setup()"}
    )
    assert ("-e ." in (await check_out(workshop, tmp_path / "r")).facts.python_setup) is installs
