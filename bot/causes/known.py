"""What is known of others' tools: which image has one, what a module or an option belongs to."""

from __future__ import annotations

# By its usual port: a service that tests ask for.
SERVICES = {
    "5432": "PostgreSQL",
    "3306": "MySQL",
    "6379": "Redis",
    "27017": "MongoDB",
    "9200": "Elasticsearch",
    "5672": "RabbitMQ",
    "9092": "Kafka",
    "11211": "memcached",
}
# By the program that is missing: an image that has it.
IMAGES = {
    "go": "golang:1",
    "cargo": "rust:1",
    "rustc": "rust:1",
    "node": "node:22",
    "npm": "node:22",
    "npx": "node:22",
    "pnpm": "node:22",
    "yarn": "node:22",
    "bun": "oven/bun:1",
    "deno": "denoland/deno:2",
    "mvn": "maven:3",
    "gradle": "gradle:8",
    "java": "eclipse-temurin:21",
    "javac": "eclipse-temurin:21",
    "sbt": "sbtscala/scala-sbt:latest",
    "dotnet": "mcr.microsoft.com/dotnet/sdk:8.0",
    "ruby": "ruby:3",
    "rake": "ruby:3",
    "rspec": "ruby:3",
    "bundle": "ruby:3",
    "php": "php:8-cli",
    "composer": "composer:2",
    "mix": "elixir:1",
    "elixir": "elixir:1",
    "dart": "dart:3",
    "swift": "swift:6",
    "ghc": "haskell:9",
    "cabal": "haskell:9",
    "stack": "haskell:9",
    "gcc": "gcc:14",
    "cc": "gcc:14",
    "g++": "gcc:14",
    "cmake": "gcc:14",
    "make": "gcc:14",
    "julia": "julia:1",
    "Rscript": "rocker/r-ver:4",
    "lein": "clojure:lein",
    "rebar3": "erlang:27",
    "prove": "perl:5",
    "perl": "perl:5",
    "bats": "bats/bats:latest",
    "crystal": "crystallang/crystal:latest",
    "flutter": "ghcr.io/cirruslabs/flutter:stable",
}
# The name that PyPI knows a module by, where it is another one.
DISTRIBUTIONS = {
    "yaml": "PyYAML",
    "bs4": "beautifulsoup4",
    "dateutil": "python-dateutil",
    "PIL": "Pillow",
    "sklearn": "scikit-learn",
    "cv2": "opencv-python",
    "attr": "attrs",
    "dotenv": "python-dotenv",
    "jwt": "PyJWT",
    "git": "GitPython",
    "OpenSSL": "pyOpenSSL",
    "Crypto": "pycryptodome",
    "pkg_resources": "setuptools",
    "serial": "pyserial",
    "zmq": "pyzmq",
    "MySQLdb": "mysqlclient",
    "psycopg2": "psycopg2-binary",
    "google": "protobuf",
    "docx": "python-docx",
    "magic": "python-magic",
}

# By what a package manager says: which packages are missing, and a setup that puts them into the checkout.
PACKAGES = (
    (
        r"no matching package named|failed to (?:get|load source for dependency|download|select a version)"
        r"|you're using offline mode|attempting to make an HTTP request, but --offline",
        "crates",
        "mkdir -p .cargo && cargo vendor >> .cargo/config.toml",
    ),
    (
        r"no required module provides package|missing go\.sum entry|proxy\.golang\.org",
        "Go modules",
        "go mod vendor",
    ),
    (
        r"Could not find gem|Bundler::GemNotFound|Could not find \S+ in any of the sources"
        r"|in locally installed gems|bundler: command not found",
        "gems",
        "bundle config set --local path vendor/bundle && bundle install",
    ),
    (r"vendor/autoload\.php|vendor/bin/phpunit", "PHP's packages", "composer install"),
    (
        r"Could not resolve dependencies|Cannot access \S+ \(https?://\S+\) in offline mode"
        r"|No cached version of",
        "the JVM's packages",
        "",
    ),
    (
        r"Unchecked dependencies for environment|mix deps\.get|Could not find Hex",
        "Elixir's packages",
        "mix deps.get",
    ),
)
