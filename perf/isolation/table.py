#!/usr/bin/python3
# SPDX-License-Identifier: Apache-2.0
"""Passes JSON lines of measurements on, and puts a table of them behind."""
import json
import sys

COLUMNS = ("experiment", "what", "measured", "beside", "asked", "met")


def number(value):
    """Four digits that count."""
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:.0f}"


def cells(row):
    """One line of the table."""
    beside = f'{row["beside"]}: {number(row["theirs"])}' if "beside" in row else ""
    met = {True: "met", False: "NOT MET", None: ""}[row.get("met")]
    return (row["experiment"], row["what"], f'{number(row["ours"])} {row["unit"]}'.strip(), beside,
            row.get("asked", ""), met)


def main():
    table = [COLUMNS]
    for line in sys.stdin:
        print(line, end="", flush=True)
        if line.startswith("{"):
            table.append(cells(json.loads(line)))
    widths = [max(len(row[column]) for row in table) for column in range(len(COLUMNS))]
    print()
    for row in table:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths)).rstrip())


if __name__ == "__main__":
    main()
