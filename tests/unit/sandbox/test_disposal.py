"""Removing what hostile code left on disk."""

from __future__ import annotations

import os

import pytest

from sandbox.layers.disposal import remove_tree


def test_a_tree_deeper_than_any_path(tmp_path):
    top = tmp_path / "top"
    top.mkdir()
    fd = os.open(top, os.O_RDONLY)
    for _ in range(400):
        os.mkdir("directory-name", dir_fd=fd)
        inner = os.open("directory-name", os.O_RDONLY, dir_fd=fd)
        os.close(fd)
        fd = inner
    os.close(fd)
    remove_tree(top)
    assert not top.exists()


def test_directories_that_forbid_it(tmp_path):
    top = tmp_path / "top"
    (top / "a" / "b" / "c").mkdir(parents=True)
    (top / "a" / "b" / "file").write_text("x")
    (top / "a" / "b" / "c").chmod(0)
    (top / "a" / "b").chmod(0)
    remove_tree(top)
    assert not top.exists()


def test_links_are_removed_not_followed(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("x")
    top = tmp_path / "top"
    (top / "inner").mkdir(parents=True)
    (top / "link").symlink_to(outside)
    (top / "inner" / "link").symlink_to(outside)
    os.mkfifo(top / "fifo")
    remove_tree(top)
    assert not top.exists()
    assert (outside / "kept").exists()


@pytest.mark.parametrize("kind", ["missing", "file", "link"])
def test_what_is_no_directory(tmp_path, kind):
    top = tmp_path / "top"
    if kind == "file":
        top.write_text("x")
    if kind == "link":
        top.symlink_to(tmp_path)
    remove_tree(top)
    assert not top.is_symlink() and not top.exists()
    assert tmp_path.exists()
