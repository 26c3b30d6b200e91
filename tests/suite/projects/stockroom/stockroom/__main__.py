"""``python -m stockroom FILE COMMAND``: look at a stock in a CSV file and change it."""

import argparse
import sys
from pathlib import Path

from stockroom import files, report


def parser():
    made = argparse.ArgumentParser(prog="stockroom")
    made.add_argument("file", type=Path)
    commands = made.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("groups")
    for name in ("in", "out"):
        move = commands.add_parser(name)
        move.add_argument("sku")
        move.add_argument("pieces", type=int, nargs="?", default=1)
    return made


def main(arguments=None, out=sys.stdout, err=sys.stderr):
    """Returns the exit code: 0, or 1 with one line on ``err``."""
    options = parser().parse_args(arguments)
    try:
        stock = files.read(options.file.read_text(encoding="utf-8"))
        if options.command == "list":
            print(report.overview(stock), file=out)
        elif options.command == "groups":
            rows = [
                (group, items, pieces, report.money(value))
                for group, items, pieces, value in report.by_group(stock)
            ]
            print(report.table(rows, ["group", "items", "pieces", "value"]), file=out)
        else:
            change = stock.receive if options.command == "in" else stock.take
            change(options.sku, options.pieces)
            options.file.write_text(files.write(stock), encoding="utf-8")
            print(f"{stock.item(options.sku).sku}: {stock.count(options.sku)}", file=out)
    except KeyError as error:
        print(f"stockroom: no item {error.args[0]}", file=err)
        return 1
    except (ValueError, OSError) as error:
        print(f"stockroom: {error}", file=err)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
