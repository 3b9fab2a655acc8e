"""Texts that mean something to whoever takes them for more than texts."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

_SQL: Final = (
    "' OR '1'='1", "' OR 1=1 --", '" OR ""="', "') OR ('a'='a", "1; DROP TABLE votes", "'; DROP TABLE jobs; --",
    "' UNION SELECT digest FROM keys --", "1 UNION ALL SELECT name FROM system.tables", "admin'/*", "*/ OR 1=1 /*",
    "x' AND sleep(3) --", "'; ATTACH DATABASE 'x' AS y; --", "'||(SELECT 1)||'", "\\' OR 1=1 #", "`; DROP TABLE t; `",
    "'; COPY t TO PROGRAM 'id'; --", "$$; SELECT 1; $$", "pg_sleep(3)", "randomblob(1000000000)", "1)) FORMAT Null",
    "' SETTINGS max_execution_time=0 --", "'); INSERT INTO votes VALUES (1", "url('http://127.0.0.1:1/')",
    "file('/etc/passwd')", "SELECT * FROM numbers(1e12)", "' INTO OUTFILE '/tmp/injected' --", "?", "?1", ":name", "@a",
)  # fmt: skip
_BOUND: Final = (
    "{a:String}", "{job:UInt64}", "{f0:String}", "{p0:Identifier}", "{:}", "{", "}", "{}", "{0}", "{{a:String}}",
    "{a:Array(String)}", "%(a)s", "%s", "%n%n%n", "%d", "%", "%%", "%1$s", "%99999999d", "{0.__class__}", "{a!r:>9}",
    "${a}", "${jndi:ldap://127.0.0.1/a}", "#{7*7}", "{{7*7}}", "{% raw %}", "<%= 7*7 %>", "$(id)", "`id`", "|id",
    "&&id",
)  # fmt: skip
_LETTERS: Final = (
    "'", "''", "'''", '"', '""', "`", "``", "\\", "\\\\", "\\'", '\\"', "\\0", "\\x00", "\\u0000", "\\n", "\0", "a\0b",
    "\x1b[2J", "\x7f", "\x01", "\t", "\n", "\r\n", "\r\nX-Injected: yes", "a\r\n\r\nHTTP/1.1 200 OK", "\u2018a\u2019",
    "\u201ca\u201d", "\uff07", "\u02bc", "\u2032 OR 1=1", "\u202e", "\ufeff", "\u200b", "\U0001f600", "\U0010ffff",
    "\u0130", "\u00df", "e\u0301", "\ufffd", "", " ", "  a  ", ";", "--", "-- ", "#", "/*", "*/", "/**/", "//", ",",
    "(", ")", "()", "[", "]", "[]", "<", ">", "=", "!", "~", "^", "null", "NULL", "nan", "inf", "-1", "0", "1e400",
    "1e-400",
    "true", "undefined", "0x10", "9223372036854775808", "99999999999999999999999", "-0", "007", "1_000", "\u0663",
)  # fmt: skip
_PATHS: Final = (
    "../../etc/passwd", "..\\..\\x", "....//....//x", "/etc/passwd", "~/x", "file:///etc/passwd", "%2e%2e%2f", "..",
    ".", "./", "a/../b", "a//b", "/", "C:\\x", "\\\\host\\x", "CON", "a.csv/../../b", "|cat x", "a?b#c", "a&b=c", "a;b",
)  # fmt: skip
_PATTERNS: Final = (
    "%", "_", "%_%", "a%", "\\%", "\\_", "*", "?", ".*", "^a", "a$", "[a-z]", "(a+)+$", "(?i)A", "(?<n>a)", "a{1000}",
    "a|b", "\\d+", "\\Qa\\E", "/a/b", "/a~1b", "~0", "~1", "$.a", "$..*", "a[0]", "a[*]", "a.b.c", "a..b", ".a", "a.",
    "@", "$", "$ref", "__proto__", "constructor.prototype", "__class__", "arcanna.", "arcanna.result_label.keyword",
    "arcanna.consensus", "@timestamp", "document.^p", "document.p.:`Int64`", "p.:String", "^p", "p[].q", "doc.p::text",
    "toString(p)", "JSONExtractRaw(p)", "tupleElement(p, 1)", "p.size0", "p.null", "arrayJoin([1])",
)  # fmt: skip
_MARKUP: Final = (
    "<script>alert(1)</script>", "<img src=x onerror=a>", "javascript:alert(1)", "<!--", "]]>", "&amp;", "&#0;",
    '<!ENTITY x SYSTEM "file:///etc/passwd">', "=1+1", "@SUM(1)", "+1", "-1+1", "[bold]a[/bold]", "[/]", "\\[red]",
)  # fmt: skip
BASE: Final = tuple(dict.fromkeys((*_SQL, *_BOUND, *_LETTERS, *_PATHS, *_PATTERNS, *_MARKUP)))


def payloads(count: int, seed: int) -> Iterator[str]:
    """So many different ones: first each as it is, then put together by chance."""
    choose = random.Random(seed)  # noqa: S311 - test data
    given = set(BASE)
    yield from BASE[:count]
    while len(given) < count:
        joined = choose.choice(["", "", "'", '"', "\\", "`", " ", ".", "a", "\0", "{", "%"]).join(
            choose.choices(BASE, k=choose.randint(2, 3))
        )
        if joined not in given:
            given.add(joined)
            yield joined
