"""Error messages of tools about themselves and their machine, and what they mean."""

from __future__ import annotations

# By what a tool says: what is not there, and the image that would have it, '' where none is known. In the
# order in which they are tried; the first group is put into the text.
SYMPTOMS = (
    (
        r"certificate has expired|CERT_HAS_EXPIRED",
        "a certificate has expired by the clock of the sandbox; one of the tests' own has to be made anew",
        "",
    ),
    (
        r"CERTIFICATE_VERIFY_FAILED|certificate signed by unknown authority|unable to get local issuer"
        r"|UNABLE_TO_(?:GET_ISSUER_CERT_LOCALLY|VERIFY_LEAF_SIGNATURE)|(?:SELF|DEPTH_ZERO_SELF)_SIGNED_CERT"
        r"|self[- ]signed certificate|PKIX path building failed|SSL certificate problem"
        r"|certificate verify failed|server certificate verification failed|invalid peer certificate",
        "the certificate of a server that it asks is not trusted here; where a proxy of your own answers "
        "for it, the operator names its authority in `HOB_EGRESS_CA`",
        "",
    ),
    (
        r"'?minversion'? requires pytest-([\w.]+), actual",
        "pytest is older than {}, which the settings ask for",
        "pytest",
    ),
    (
        r"^(?:E\s+)?(?:ImportError|OSError): (lib[\w.+-]{1,60}): cannot open shared object",
        "the system library {} is not in the sandbox",
        "",
    ),
    (r"cannot load library '([\w.+-]{1,60})'", "the system library {} is not in the sandbox", ""),
    (
        r"error while loading shared libraries: ([\w.+-]{1,60}):",
        "the system library {} is not in the sandbox",
        "",
    ),
    (
        r"no \$DISPLAY environment variable|cannot open display|could not connect to display",
        "there is no display in the sandbox; start one in `test` (xvfb-run), with an `image` that has it",
        "",
    ),
    (
        r"Executable doesn't exist at \S{0,200}ms-playwright|Could not find (?:Chrome|Chromium|Firefox)"
        r"|cannot find Chrome binary|Message: '?chromedriver"
        r"|ChromeHeadless\b.{0,80}(?:not found|ENOENT|CHROME_BIN)",
        "the tests need a browser, and there is none in the sandbox",
        "mcr.microsoft.com/playwright:v1.50.0",
    ),
    (
        r"Cannot connect to the Docker daemon|docker\.errors\.DockerException: Error while fetching server"
        r"|Could not find a valid Docker environment",
        "the tests start containers, and there is no Docker in the sandbox; leave them out of `test`",
        "",
    ),
    (
        r"setuptools[-_]scm was unable to detect version",
        "the project's version is read from git's tags, which are not in the sandbox; "
        "give one in `setup` or `test` (`SETUPTOOLS_SCM_PRETEND_VERSION=0.0.0`)",
        "",
    ),
    (
        r"unable to auto-detect email address|Please tell me who you are",
        "git asks who commits; give it a name in `test` (`git config user.email` and `user.name`)",
        "",
    ),
    (
        r"Cannot find module '([^'\n]{0,120}\.node)'",
        "the compiled module {} is not built; let `setup` build it (`npm rebuild`)",
        "",
    ),
    (
        r"packageManager\": \"(\w+@[\w.-]{1,20})|configured to use (pnpm|yarn)\b",
        "package.json asks for {}, and another version is in the sandbox; enable it in `setup` (corepack)",
        "",
    ),
    (
        r"SyntaxError: Unexpected token '(?:\?\?=|\|\|=|&&=)'",
        "this Node is too old for the project",
        "node:22",
    ),
    (
        r"requires rustc [\d.]+ or newer|feature `edition20\d\d` is required",
        "this Rust is too old for the project",
        "rust:1",
    ),
    (
        r"module requires Go ([\d.]+)|go\.mod requires go >= ([\d.]+)",
        "this Go is older than {}, which the module asks for",
        "golang:1",
    ),
    (r"linker `(\w+)` not found", "the linker {} is not in the sandbox", "rust:1"),
    (
        r"failed to run custom build command for `([\w-]{1,60})",
        "{} needs a library of the system to be built",
        "",
    ),
    (
        r"invalid target release: (\d+)|Unsupported class file major version",
        "this Java is too old for the project",
        "maven:3",
    ),
    (r"JAVA_HOME is not set", "Java is not in the sandbox", "eclipse-temurin:21"),
    (
        r"compatible \.NET SDK was not found|NETSDK1045",
        "this .NET is too old for the project",
        "mcr.microsoft.com/dotnet/sdk:9.0",
    ),
    (
        r"Your Ruby version is [\d.]+, but your Gemfile specified",
        "this Ruby is another than the Gemfile asks for",
        "ruby:3",
    ),
    (
        r"Read-only file system: '([^'\n]{1,120})'",
        "it writes to {}, which is read-only in the sandbox; let it write below the checkout or /tmp",
        "",
    ),
    (
        r"settings are not configured\. You must either define the environment variable DJANGO_SETTINGS",
        "Django is not told its settings; name them in `test` (`DJANGO_SETTINGS_MODULE=...`)",
        "",
    ),
    (
        r"virtual environment was not created successfully because ensurepip",
        "this Python cannot make environments",
        "python:3",
    ),
    (
        r"UnknownHostException: ([\w.-]{1,80})|NU1301\b.{0,200}https://([\w.-]{1,80})",
        "it asks for the network ({}), and there is none; fetch in `setup`, with `setup_internet: packages`",
        "",
    ),
)

# By what package managers say of a version, or a name, that the index does not have.
NOT_IN_INDEX = (
    r"No matching distribution found for ([^\n]{1,80})|No matching version found for (\S{1,80})"
    r"|Because there (?:are|is) no versions? of ([^\n]{1,80}?) (?:and|which)"
    r"|Because only ([^\n]{1,80}?) (?:is|are) available"
    r"|depends on ([^\n]{1,80}?) which doesn't match any versions|: unknown revision (\S{1,60})"
    r"|npm (?:ERR!|error) 404\s{1,9}'([@\w./-]{1,80})|Couldn't find any versions for \"([^\"\n]{1,80})\""
    r"|failed to select a version for the requirement `([^`\n]{1,80})`"
    r"|no matching package named `([^`\n]{1,80})` found\nlocation searched: registry"
    r"|Could not find artifact (\S{1,120}) in|Could not find gem '([^'\n]{1,80})' in rubygems repository"
)
