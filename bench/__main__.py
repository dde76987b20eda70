"""Measures what is promised, tells it on stdout, and fails where a promise is missed."""

from __future__ import annotations

import importlib
import sys
from argparse import ArgumentParser, Namespace, RawDescriptionHelpFormatter
from dataclasses import replace

from bench import fill
from bench.measures import Options, Promise, Result, say
from bench.portal import a_portal

# In this order: once the admin's pages have shown all of the largest table, none of it is over.
BENCHES = {
    "ingest_http": "batches through HTTP: at least 0.5 of raw COPY, 4 times a DRF serializer and"
    " bulk_create, 20 times django-auditlog's save() (6 minutes)",
    "vault": "sensitive batches through HTTP: at least 0.2 of ordinary ones; the vault's drain: at"
    " least 0.5 of them (3)",
    "case_page": "HR's page of a case with 500 events, at most 1.5 of one with 50 (1)",
    "ingest_stages": "where a request's time goes, and what strict JSON costs; no promise (1)",
    "handler": "a call through our logging handler, at most 2 of a FileHandler's (1)",
    "retention_plan": "the plan of destructions at 10 million events, at most 2 of 100 thousand"
    " (15)",
    "watching": "a pass over all rules at 10 million events, at most 1.5 of 100 thousand; as many"
    " statements for 10,000 tasks at their deadline as for 100 (3; 15 by itself)",
    "admin_pages": "the admin's pages at 10 million events, at most 1.5 of 10 thousand (3;"
    " 15 by itself)",
    "export": "exports over HTTP: at least 0.4 (NDJSON) and 0.6 (CSV) of COPY TO, and flat memory"
    " (5; 8 by itself)",
    "retention": "a batch DELETE of 5 million events and its VACUUM: at least 10 times the time of"
    " destroying their month, 1,000 times its WAL; inserts beside it: at most 0.1 of the longest"
    " wait beside a plain DETACH (20)",
}
QUICK = Options(rounds=3, seconds=1.5, rows=100_000)


def main() -> int:
    if sys.argv[1:2] == ["fill"]:
        return fill.main(sys.argv[2:])
    asked = _arguments()
    options = _options(asked)
    chosen = [name for name in BENCHES if name in (asked.names or BENCHES)]
    promises: list[Promise] = []
    with a_portal() as portal:
        for name in chosen:
            say(f"--- {name}: {BENCHES[name]}")
            result: Result = importlib.import_module(f"bench.{name}").run(portal, options)
            for table in result.tables:
                print(f"\n{table}", flush=True)
            promises += result.promises
    print("\nPromises" + (" (--quick: not to be quoted)" if asked.quick else ""))
    for promise in promises:
        print(promise)
    return 0 if all(promise.is_kept for promise in promises) else 1


def _arguments() -> Namespace:
    told = "\n".join(f"  {name:<14} {what}" for name, what in BENCHES.items())
    parser = ArgumentParser(
        prog="python -m bench",
        description=__doc__,
        epilog=f"{told}\n\nAll take about half an hour on two quiet cores, and 20 GB of disk while"
        " they run.\nBeside these: python -m bench fill, which fills a portal's database (--help).",
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="default: all, as listed below")
    parser.add_argument(
        "--quick", action="store_true", help="minutes less, and no figures to quote"
    )
    parser.add_argument("--rows", type=int, help="events in the larger table")
    parser.add_argument("--rounds", type=int, help="interleaved rounds of each arm")
    parser.add_argument("--seconds", type=float, help="length of an arm in a round")
    asked = parser.parse_args()
    if unknown := set(asked.names) - BENCHES.keys():
        parser.error(f"no such bench: {', '.join(sorted(unknown))}")
    return asked


def _options(asked: Namespace) -> Options:
    given = {name: getattr(asked, name) for name in ("rows", "rounds", "seconds")}
    given = {name: value for name, value in given.items() if value is not None}
    return replace(QUICK if asked.quick else Options(), **given)


if __name__ == "__main__":
    sys.exit(main())
